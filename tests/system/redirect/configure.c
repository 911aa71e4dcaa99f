/* SPDX-License-Identifier: BSD-3-Clause */
/* What AC_CHECK_FUNC and CMake's check_function_exists compile: a declaration with a wrong type, and the call. */
#undef FUNCTION_UNDER_TEST
char FUNCTION();

int main(void)
{
    return FUNCTION() != 0;
}
