"""What the programs in tools/data share: where plugin is, arguments, and how errors are told.

Nothing heavy is imported before it is needed, so that ``--help`` answers at once.
"""
import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

# the folder of _cli, which in turn lets the tools run without `pip install -e .`
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import _cli  # noqa: E402

config_parser, cores = _cli.parser_for, _cli.cores
STOPPED = 'interrupted: nothing half-done is left, run the same command again'


def parser_for(doc: str) -> argparse.ArgumentParser:
    """Make the parser of a program; its description keeps the lines of ``doc``."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def converter_parser(doc: str, sources: str) -> argparse.ArgumentParser:
    """Make the parser of a converter to COCO with the arguments all of them have."""
    parser = parser_for(doc)
    parser.add_argument('sources', nargs='+', type=Path, metavar='SOURCE', help=sources)
    parser.add_argument('--out', type=Path, required=True, help='the COCO file to write')
    parser.add_argument('--images', type=Path, metavar='FOLDER', help='folder of the images, to '
                        'which their names in the COCO file are relative (default: the folder '
                        'of the labels; of several folders, the one they have in common)')
    parser.add_argument('--labels', type=names, default=[], metavar='A,B',
                        help='take only these classes, in this order (default: all)')
    parser.add_argument('--as', dest='name', metavar='NAME',
                        help='call every animal by this one name')
    parser.add_argument('--negatives', action='store_true',
                        help='take images without labels as images without animals')
    parser.add_argument('--strict', action='store_true',
                        help='write nothing if anything must be mended or dropped')
    parser.add_argument('--overwrite', action='store_true', help='replace an older COCO file')
    return parser


def convert(format: str, args: argparse.Namespace, **options: str | None) -> int:
    """Convert labels; print what was wrong, and what was written.

    Args:
        format (str): As ``plugin.datasets.labels.convert`` takes it.
        args (argparse.Namespace): As parsed by :func:`converter_parser`.
        **options (str, optional): What this format has beside them.

    Returns:
        int: Exit status.
    """
    with plain_errors():
        from plugin.datasets.labels import LabelsError, convert
        from plugin.datasets.labels.printing import print_conversion, print_findings
        try:
            done = convert(
                format, args.sources, args.out, images=args.images, labels=args.labels,
                name=args.name, negatives=args.negatives, strict=args.strict,
                overwrite=args.overwrite, **options)
        except LabelsError as error:
            print_findings(error.findings, format == 'coco')
            raise
        print_conversion(done, format == 'coco')
    return 0


@contextlib.contextmanager
def plain_errors(name: str = 'error', go_on: str = '', stopped: str = STOPPED,
                 debug: bool = False) -> Iterator[None]:
    """Turn the mistakes of a user, and an interrupt, into one sentence and an exit status.

    Args:
        name (str): What the sentence begins with.
        go_on (str): Said after an error of the disk: how to go on with what is done.
        stopped (str): Said after an interrupt.
        debug (bool): Let every error through with its traceback.
    """
    try:
        with _cli.plain_errors(debug, name, hint=''):
            yield
    except SystemExit as stop:
        cause = stop.__context__
        if go_on and isinstance(cause, OSError) and cause.errno is not None:
            print(go_on, file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        raise SystemExit(_cli.INTERRUPTED) from None


def names(text: str) -> Sequence[str]:
    """Names of an argument like ``A,B``."""
    found = [name.strip() for name in text.split(',')]
    if '' in found:
        raise argparse.ArgumentTypeError(f'{text!r} has an empty name: write A,B')
    return found
