# SPDX-License-Identifier: BSD-3-Clause
"""A headless browser, for tests of the page of 'threadmeter report --html'."""
import html.parser
import json
import re
import shutil
import subprocess
import tempfile

browser = shutil.which('chromium') or shutil.which('chromium-browser')


class Page(html.parser.HTMLParser):
    """The page's elements that have an id or a number, as (path of ids, tag, attributes, text)."""
    empty = {'meta', 'input', 'br', 'link', 'img'}

    def __init__(self, text):
        super().__init__()
        self.elements, self.stack = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = {'tag': tag, **dict(attributes), 'text': '', 'inside': [e.get('id') for e in self.stack] +
                   [e['tag'] for e in self.stack]}
        self.elements.append(element)
        if tag not in self.empty:
            self.stack.append(element)

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop()['tag'] != tag:
            pass

    def handle_data(self, data):
        for element in self.stack:
            element['text'] += data

    def all(self, tag, inside):
        return [e for e in self.elements if e['tag'] == tag and inside in e['inside']]

    def id(self, name):
        return next(e for e in self.elements if e.get('id') == name)

    def numbers(self, inside, tag='td'):
        return [int(e['data-value']) for e in self.all(tag, inside) if 'data-value' in e]


def render(path, width=1280):
    """The page's elements after all scripts have run, and the messages on the console."""
    with tempfile.TemporaryDirectory() as profile:
        result = subprocess.run(
            [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server',
             '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
             '--disable-dev-shm-usage', f'--user-data-dir={profile}', f'--window-size={width},2000',
             '--virtual-time-budget=10000', '--enable-logging=stderr', '--dump-dom', f'file://{path}'],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    return Page(result.stdout), [line for line in result.stderr.splitlines() if 'CONSOLE' in line]


def data_in(page_text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page_text, re.S).group(1))
