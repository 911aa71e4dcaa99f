/* SPDX-License-Identifier: BSD-3-Clause */
/* C as it was written before there were prototypes: the function in CALL is not declared. */
int main()
{
    char *block = (char *)CALL;
    block[0] = 0;
    return block[0];
}
