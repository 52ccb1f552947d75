/* cmocka, behind the headers that it needs before it. */
#ifndef CNN_TESTS_UNIT_H
#define CNN_TESTS_UNIT_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
