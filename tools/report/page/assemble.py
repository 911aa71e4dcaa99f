#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes page.html, its style and scripts, and the plotting library into one page, as two strings of C: what is before a
recording's data and what is after. Without the library's directory both are empty."""
import base64
import hashlib
import pathlib
import sys

here, plot, output = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def source(digest_of):
    digest = hashlib.sha256(digest_of.encode()).digest()
    return "'sha256-" + base64.b64encode(digest).decode() + "'"


def literal(name, text):
    lines = []
    for line in text.encode().splitlines(keepends=True):
        for start in range(0, len(line), 2000):
            escaped = ''.join(chr(c) if 32 <= c < 127 and c not in b'"\\?' else '\\%03o' % c
                              for c in line[start:start + 2000])
            lines.append('    "' + escaped + '"')
    return f'static const char {name}[] =\n' + '\n'.join(lines or ['    ""']) + ';\n'


before = after = ''
if plot:
    library = pathlib.Path(plot)
    style = (library / 'uPlot.min.css').read_text() + (here / 'page.css').read_text()
    licence = '/*!\n' + (library / 'LICENSE').read_text() + '*/\n'
    scripts = [licence + (library / 'uPlot.iife.min.js').read_text()]
    scripts += [(here / name).read_text() for name in ('numbers.js', 'charts.js', 'tables.js', 'page.js')]
    for text in scripts:
        assert '</script' not in text.lower()
    page = (here / 'page.html').read_text()
    page = page.replace('@STYLE@', style)
    page = page.replace('@SCRIPTS@', '\n'.join('<script>' + text + '</script>' for text in scripts))
    # Nothing runs and nothing is shown but what was there when this was built.
    page = page.replace('@STYLE_SOURCE@', source(style))
    page = page.replace('@SCRIPT_SOURCES@', ' '.join(source(text) for text in scripts))
    before, after = page.split('@DATA@')
pathlib.Path(output).write_text('/* made by page/assemble.py */\n' + literal('page_before', before) +
                                literal('page_after', after))
