#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
usage: format.py DOCUMENT OUTPUT

Writes what a document's tables say of structs (the first column has offsets, its heading the struct and its size) as lines
of C for tests/support/format.c: SIZED(struct, bytes) and AT(struct, field, type, offset); and the layout's number.
"""
import re
import sys

document, output = sys.argv[1:]
lines, struct = [], None
layout = re.search(r': layout (\d+)\.', open(document, encoding='utf-8').read())
if not layout:
    sys.exit(f'{document}: which layout?')
lines.append(f'static_assert(TM__LAYOUT == {layout[1]}, "published-file.md: layout");')
for line in open(document, encoding='utf-8'):
    cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
    heading = re.fullmatch(r'`(tm__\w+)`, (\d+)', cells[0])
    if heading:
        struct = heading[1]
        lines.append(f'SIZED({struct}, {heading[2]})')
    elif not line.startswith('|'):
        struct = None
    elif struct and len(cells) > 2 and cells[2] and not cells[0].startswith('-'):
        offsets, fields = cells[0].split(', '), cells[2].split(', ')
        if len(offsets) != len(fields):
            sys.exit(f'{document}: as many offsets as fields? {line}')
        kind = re.sub(r'\W.*', '', cells[1])
        lines += [f'AT({struct}, {field}, {kind}, {offset})' for offset, field in zip(offsets, fields)]
if len(lines) < 50:
    sys.exit(f'{document}: has only {len(lines)} rows')
open(output, 'w', encoding='utf-8').write('\n'.join(lines) + '\n')
