"""The tables of a comparison, for a page and as Markdown."""
from collections.abc import Mapping, Sequence
from typing import Any

from plugin.utils.text import printable
from plugin.visualization.report.tables import Cell, Column, Table

LITTLE = 0.005  # a loss that changed by less is level
NONE = '—'
# shown beside the score that is compared: title, unit, decimals
BESIDE = {'coco/segm_mAP': ('mask AP', '', 4), 'count/MAE': ('count off by', 'animals an image', 2),
          'count/skill': ('skill', '', 2)}
ENDING = 'At the end'
SCORES = 'Scores of the last checkpoint, mean ± standard deviation over the seeds'


def score_table(found: Mapping[str, Any]) -> Table:
    """The scores of all rows, with their differences to the rows that they are compared with.

    Args:
        found (Mapping): What :func:`~.results.gather` returns.
    """
    part, name, digits = found['part'], found['score'], digits_of(found)
    told = f'{"val (test = val)" if part == "val" else part} {name}'
    beside = _beside(found)
    columns = [Column('Config', '', False), Column(told),
               *(Column(f'{part} {BESIDE[one][0]}', BESIDE[one][1]) for one in beside),
               Column('Difference, 95 % interval'), Column('to', '', False),
               Column('Verdict', '', False), Column(ENDING, '', False), Column('Rate'),
               *([Column(f'val {name}')] if part == 'test' else []),
               Column(f'{part} {name} of the best checkpoint'), Column('ECE', '%')]
    rows = []
    for row in found['rows']:
        val = [_spread(row['last_val'], digits)] if part == 'test' else []
        rows.append([Cell(row['title']), _score(row, part, digits),
                     *(_spread(row['scores'][one], BESIDE[one][2]) for one in beside),
                     *_difference(row, digits),
                     Cell(_ending(row['ending'], name, digits)),
                     Cell(f'{row["rate"]:g}', row['rate']), *val,
                     _spread(row[f'best_{part}'], digits), _spread(row['calibration'])])
    return Table(SCORES, columns, rows)


def seed_table(found: Mapping[str, Any]) -> Table:
    """The score of each seed."""
    part = found['part']
    columns = [Column('Config', '', False), *(Column(f'seed {seed}') for seed in found['seeds'])]
    digits = digits_of(found)
    rows = [[Cell(row['title']), *(Cell(number(value, digits), value)
                                   for value in row[f'last_{part}']['values'])]
            for row in found['rows']]
    return Table(f'{part} {found["score"]} of each seed', columns, rows)


def rate_table(found: Mapping[str, Any]) -> Table | None:
    """The learning rates that were tried; None where nothing was chosen."""
    if not found['searches']:
        return None
    rows, digits = [], digits_of(found)
    for search in found['searches']:
        for tried in search['tried']:
            chosen = tried['rate'] == search['chosen']
            word = 'chosen' if chosen else ''
            if chosen and search['at_the_edge']:
                word = 'chosen, at the edge: a better one may lie beyond'
            rows.append([Cell(search['config']), Cell(f'{tried["rate"]:g}', tried['rate']),
                         Cell(tried['why'] or number(tried['val'], digits), tried['val']),
                         Cell(word)])
    return Table('Learning rates that were tried, with seed 0', [
        Column('Config', '', False), Column('Rate'), Column(f'val {found["score"]}'),
        Column('', '', False)], rows)


def cost_table(found: Mapping[str, Any]) -> Table:
    """Time and memory of a training, which differ from start to start, and parameters."""
    gpu = any(row['cost']['gpu'] for row in found['rows'])
    rows = []
    for row in found['rows']:
        cost = row['cost']
        parameters = cost['parameters']
        rows.append([Cell(row['title']), Cell(f'{row["steps"]}', row['steps']),
                     Cell(number(cost['seconds'], 3), cost['seconds']),
                     Cell(number(cost['memory'], 0), cost['memory']),
                     Cell(NONE if parameters is None else f'{parameters / 1e6:.2f}', parameters)])
    return Table('Cost of a training', [
        Column('Config', '', False), Column('Steps'), Column('Time of a step', 's'),
        Column('Memory of the GPU' if gpu else 'Memory of the largest process', 'MB'),
        Column('Parameters', 'M')], rows)


def setting_table(found: Mapping[str, Any]) -> Table | None:
    """Where the configs differ; None where they do not."""
    if not found['differences']:
        return None
    rows = [[Cell(path), *(Cell(NONE if text is None else text) for text in texts)]
            for path, *texts in found['differences']]
    return Table('Where the configs differ', [
        Column('Setting', '', False), *(Column(name, '', False) for name in found['configs'])],
        rows)


def tables(found: Mapping[str, Any]) -> list[Table]:
    """All tables but that of the settings, for a page, on which one with all scores is too wide."""
    whole = score_table(found)
    narrow = 1 + [column.title for column in whole.columns].index(ENDING)
    more = [0, *range(narrow, len(whole.columns))]
    return [_columns(whole, range(narrow), SCORES),
            _columns(whole, more, 'More of each, mean ± standard deviation over the seeds'),
            *_others(found)]


def _beside(found: Mapping[str, Any]) -> list[str]:
    """Other scores that each row has and that stand beside the compared one."""
    return [name for name in BESIDE if name != found['score']
            and all(name in row['scores'] for row in found['rows'])]


def _columns(table: Table, places: Sequence[int], caption: str) -> Table:
    return Table(caption, [table.columns[place] for place in places],
                 [[row[place] for place in places] for row in table.rows])


def _others(found: Mapping[str, Any]) -> list[Table]:
    every = [seed_table(found), rate_table(found), cost_table(found)]
    return [table for table in every if table is not None]


def notes(found: Mapping[str, Any]) -> list[str]:
    """What one must know to read the tables, a sentence each."""
    count, part = len(found['seeds']), found['part']
    judged = [row for row in found['rows'] if row['difference'] and row['difference']['verdict']]
    told = [f'{count} seed{"s" * (count > 1)} each, the same for every config; the score is that '
            'of the last checkpoint, and that of the best one, which val chose, stands beside it.']
    if part == 'val':
        told.append('test = val: the configs have no test part of their own, so that what was '
                    'chosen on val is told on val.')
    if found.get('init') is not None:
        told.append(f'All trainings of a seed start from {found["init"]}, and without a supervised '
                    'warm-up.')
        told += [f'The second network of {name} starts from the checkpoint of the seed before, '
                 'that of seed 0 from the one of seed 1.' for name in found.get('second', ())]
    if len(found['rows']) > 1:
        told.append(
            'A difference is the mean over the seeds, paired, with the 95 % confidence interval of '
            f'Student\'s t{"" if count > 1 else ", which one seed does not have"}.')
    if judged:
        have = 'rows have verdicts' if len(judged) > 1 else 'row has a verdict'
        told.append(
            f'{len(judged)} {have}: Holm\'s procedure keeps all of them together wrong in at '
            'most 5 % of the cases, and the interval beside a verdict has the level at which it '
            'was tested.')
    constant = found['rows'][0]['scores'].get('count/constant_MAE')
    if constant is not None and constant['mean'] is not None:
        told.append(
            f'Always saying one number would be off by {number(constant["mean"])} animals an image '
            'on the same images: skill is 1 - the error of the count / that, 0 where a model is no '
            f'better. Difference and verdict are those of {found["score"]}; --score count/MAE '
            'compares the counts.')
    if count == 2:
        told.append('Two seeds leave one degree of freedom: only a difference that is 12.7 times '
                    'its standard error, or more, can be told from chance.')
    if any(row['averaged'] for row in found['rows']):
        told.append('A teacher is the average of its student over the steps, which alone scores '
                    'better: what predicts with an average is compared with that of the '
                    'supervised training, where there is one. Students and averages beside a '
                    'training have no best checkpoint, as val chose by another network.')
    # once for all networks of a config
    told += {f'{row["config"]}: seed {seed} did not come to its end: {why}': None
             for row in found['rows'] for seed, why in row['failed'].items()}
    if all(not row['calibration']['n'] for row in found['rows']):
        told.append('ECE, the expected calibration error, is measured for the pixels of semantic '
                    'models; here it is left blank.')
    return told


def to_markdown(found: Mapping[str, Any]) -> str:
    """One page of Markdown with all tables; times and memory stand in a table of their own."""
    title = f'# {", ".join(found["configs"])}: {found["score"]}'
    settings = setting_table(found)
    every = [score_table(found), *_others(found), *([settings] if settings else [])]
    parts = [title, '\n'.join(f'- {note}' for note in notes(found)), *map(_markdown, every)]
    return '\n\n'.join(parts) + '\n'


def digits_of(found: Mapping[str, Any]) -> int:
    """Decimals of the score: percents have two, shares of 1 four."""
    values = [abs(value) for row in found['rows'] for key in ('last_val', 'last_test') if key in row
              for value in row[key]['values'] if value is not None]
    return 4 if max(values, default=0) <= 1 else 2


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals, or a dash."""
    return NONE if value is None else f'{value:.{digits}f}'


def _markdown(table: Table) -> str:
    heads = [f'{column.title}, {column.unit}' if column.unit else column.title
             for column in table.columns]
    lines = [heads, ['---:' if column.numeric else '---' for column in table.columns]]
    lines += [[cell.text for cell in row] for row in table.rows]
    shown = [f'| {" | ".join(map(_escaped, line))} |' for line in lines]
    return '\n'.join([f'## {table.caption}', '', *shown])


def _escaped(text: str) -> str:
    return '<br>'.join(printable(line).replace('|', r'\|') for line in text.split('\n'))


def _spread(summary: Mapping[str, Any], digits: int = 2) -> Cell:
    if summary['mean'] is None:
        return Cell(NONE)
    spread = '' if summary['std'] is None else f' ± {number(summary["std"], digits)}'
    return Cell(f'{number(summary["mean"], digits)}{spread}', summary['mean'])


def _score(row: Mapping[str, Any], part: str, digits: int) -> Cell:
    """The score of a row, and how many of its trainings are missing in it."""
    cell, seeds = _spread(row[f'last_{part}'], digits), len(row[f'last_{part}']['values'])
    failed = row['failed']
    return Cell(f'{cell.text} ({len(failed)} of {seeds} not finite)', *cell[1:]) if failed else cell


def _difference(row: Mapping[str, Any], digits: int) -> Sequence[Cell]:
    """The difference with its plain interval, to what, and the verdict of the family."""
    found = row['difference']
    if found is None:
        return [Cell(NONE), Cell(NONE), Cell('reference')]
    text = NONE if found['mean'] is None else _signed(found['mean'], digits)
    if found['plain_low'] is not None:
        text += _interval(found['plain_low'], found['plain_high'], digits)
    if found['n'] < len(row['last_val']['values']):
        text += f' (n = {found["n"]})'
    verdict = found['verdict'] or NONE
    if found['low'] is not None and found['low'] != found['plain_low']:
        verdict += (f' ({100 * found["level"]:.4g} %:'
                    f'{_interval(found["low"], found["high"], digits)})')
    return [Cell(text, found['mean']), Cell(found['reference']), Cell(verdict)]


def _interval(low: float, high: float, digits: int) -> str:
    return f' [{_signed(low, digits)}, {_signed(high, digits)}]'


def _signed(value: float, digits: int) -> str:
    return f'{value:+.{digits}f}'


def _ending(found: Mapping[str, Any], name: str, digits: int) -> str:
    """Whether a training was still improving when it ended."""
    told = []
    if found['loss'] is not None:
        share = f'{abs(100 * found["loss"]):.1f} %'
        told.append(f'loss still falling by {share}' if found['loss'] > LITTLE else
                    f'loss rising by {share}' if found['loss'] < -LITTLE else 'loss level')
    if found['score'] is not None:
        told.append(f'val {name} {_signed(found["score"], digits)} in the last look')
    return '; '.join(told) or 'not known: too few points in the log'
