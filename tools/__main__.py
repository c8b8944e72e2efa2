"""The command ``pasture``, also ``python -m pasture`` and ``python tools``.

It runs a script of this folder, whose help and arguments are its own, and imports nothing heavy.
"""
import ast
import difflib
import re
import sys
import types
from collections.abc import Sequence
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
USAGE = 2
COMMANDS = {
    'train': 'train.py',
    'test': 'test.py',
    'calibrate': 'calibrate.py',
    'predict': 'predict.py',
    'kfold': 'kfold.py',
    'compare': 'compare.py',
    'report': 'report.py',
    'demo': 'demo_web.py',
    'export': 'export_onnx.py',
    'crf': 'crf.py',
    'configs': 'configs.py',
    'check': 'check_data.py',
    'plan': 'plan.py',
    'browse': 'browse.py',
    'make-barn': 'data/make_barn.py',
    'make-crowds': 'data/make_crowds.py',
    'prepare-voc': 'data/prepare_voc.py',
    'prepare-isbi': 'data/prepare_isbi.py',
    'split': 'data/split_coco.py',
    'partition': 'data/make_partition.py',
    'class-weights': 'data/class_weights.py',
    'convert coco': 'data/coco_to_coco.py',
    'convert labelme': 'data/labelme_to_coco.py',
    'convert via': 'data/via_to_coco.py',
    'convert cvat': 'data/cvat_to_coco.py',
    'convert yolo': 'data/yolo_to_coco.py',
    'convert to-labelme': 'data/coco_to_labelme.py',
    'convert weights-vgg16': 'convert_vgg16.py',
    'convert weights-classifier': 'convert_classifier.py',
    'convert weights-deeplab': 'convert_deeplab.py',
    'convert weights-coco-head': 'convert_coco_head.py',
    'convert teacher': 'export_teacher.py',
}
NOTES = """\
`pasture COMMAND --help` tells more, `pasture --version` the version. A config is a file, or the
name of one that comes along, such as fcn8s_barn; `pasture configs` copies them. N processes:
  torchrun --nproc-per-node N -m pasture train CONFIG --launcher pytorch"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command as ``python tools/COMMAND.py`` would; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ['--version']:
        print(f'pasture {version()}')
        return 0
    for number in (1, 2):
        name = ' '.join(words[:number])
        if name in COMMANDS:
            run(TOOLS / COMMANDS[name], f'pasture {name}', words[number:])
            return 0
    # a group of commands, such as `convert`, or nothing
    group = words[0] if words and any(name.startswith(f'{words[0]} ') for name in COMMANDS) else ''
    rest = words[1:] if group else words
    if not rest or rest[0] in ('-h', '--help'):
        print(overview(group), file=sys.stdout if rest else sys.stderr)
        return 0 if rest else USAGE
    print(f'pasture: error: {unknown(group, rest[0])}', file=sys.stderr)
    return USAGE


def run(script: Path, prog: str, arguments: Sequence[str]) -> None:
    """Run a script as Python does, under another name in its help.

    ``runpy.run_path`` would put the path of the script into ``sys.argv``.
    """
    module = types.ModuleType('__main__')
    module.__file__ = str(script)
    sys.modules['__main__'] = module
    sys.argv = [prog, *arguments]
    sys.path.insert(0, str(script.parent))
    exec(compile(script.read_bytes(), script, 'exec'), vars(module))


def overview(group: str = '') -> str:
    """The help: each command, or those of a group, with the first line of its docstring."""
    shown = [name for name in COMMANDS if name.startswith(group)]
    width = max(map(len, shown))
    rows = [f'  {name:{width}}  {first_line(TOOLS / COMMANDS[name])}' for name in shown]
    start = f'usage: pasture {group} COMMAND ...' if group else 'usage: pasture COMMAND ...'
    return '\n'.join([start, '', 'commands:', *rows, *([] if group else ['', NOTES])])


def first_line(script: Path) -> str:
    """First line of the docstring of a script, which is not executed."""
    doc = ast.get_docstring(ast.parse(script.read_bytes())) or ''
    return doc.partition('\n')[0]


def unknown(group: str, word: str) -> str:
    """What is said of a command that there is not."""
    name = f'{group} {word}'.strip()
    near = difflib.get_close_matches(name, [*COMMANDS, 'convert'], n=1)
    hint = f"; did you mean '{near[0]}'?" if near else '; pasture --help lists them'
    return f"there is no command '{name}'{hint}"


def version() -> str:
    """Version of ``plugin``, whose import takes seconds."""
    text = (TOOLS.parent / 'plugin' / 'version.py').read_text('utf-8')
    found = re.search(r"__version__ = '([^']+)'", text)
    return found[1] if found else 'unknown'


if __name__ == '__main__':
    sys.exit(main())
