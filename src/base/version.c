/* The library's version. */
#include "cnn.h"

#define TEXT_OF(x) #x
#define JOIN(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *cnn_version(void)
{
    return JOIN(CNN_VERSION_MAJOR, CNN_VERSION_MINOR, CNN_VERSION_PATCH);
}
