// Classifies pictures from four threads at once: they share one model, which is constant, and each has its own session.
#include <algorithm>
#include <cnn.h>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using Model = std::unique_ptr<cnn_model, decltype(&cnn_model_free)>;
using Session = std::unique_ptr<cnn_session, decltype(&cnn_session_free)>;

namespace
{

constexpr int kThreads = 4;
constexpr int kRounds = 25;

struct Work {
    std::vector<std::vector<float>> probabilities; // [picture][class]
    std::string failure;
};

void classify(const cnn_model *model, const std::vector<std::string> &pictures, Work &work)
{
    cnn_error error{};
    const cnn_session_options options{1, 1, false, CNN_TTA_NONE};
    const Session session(cnn_session_new(model, &options, &error), cnn_session_free);
    const auto classes = static_cast<std::size_t>(cnn_model_class_count(model));
    work.probabilities.assign(pictures.size(), std::vector<float>(classes));
    for (int round = 0; session && round < kRounds; round++) {
        for (std::size_t i = 0; i < pictures.size() && error.status == CNN_OK; i++) {
            cnn_session_classify_file(session.get(), pictures[i].c_str(), work.probabilities[i].data(), &error);
        }
    }
    work.failure = error.message;
}

} // namespace

int main(int argc, char **argv)
{
    cnn_error error{CNN_USAGE, "usage: threads MODEL PICTURE ..."};
    const Model model(argc > 2 ? cnn_model_load(argv[1], &error) : nullptr, cnn_model_free);
    if (!model || cnn_blas_single_thread(&error) != CNN_OK) {
        std::fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const std::vector<std::string> pictures(argv + 2, argv + argc);
    std::vector<Work> work(kThreads);
    std::vector<std::thread> threads;
    for (auto &each : work) {
        threads.emplace_back(classify, model.get(), std::cref(pictures), std::ref(each));
    }
    for (auto &thread : threads) {
        thread.join();
    }
    for (const auto &each : work) {
        if (!each.failure.empty() || each.probabilities != work[0].probabilities) {
            std::fprintf(stderr, "%s\n", each.failure.empty() ? "threads disagree" : each.failure.c_str());
            return 1;
        }
    }
    for (const auto &row : work[0].probabilities) {
        const auto best = std::max_element(row.begin(), row.end());
        const auto index = static_cast<int>(best - row.begin());
        std::printf("%.1f%% %s\n", 100 * static_cast<double>(*best), cnn_model_class_name(model.get(), index));
    }
    return 0;
}
