"""Files that turn out to be wrong in the middle of a training."""
import contextlib
from collections.abc import Callable, Collection, Iterator

from torch.utils.data import Dataset

from plugin.datasets.doctor.file_checker import FileChecker
from plugin.datasets.doctor.seen import Entry
from plugin.datasets.leaves import leaf_datasets
from plugin.utils import UserError
from plugin.utils.errors import is_out_of_memory


@contextlib.contextmanager
def files_explained(dataset: Dataset, files: Callable[[], Collection[str]] | None = None
                    ) -> Iterator[None]:
    """Let an error say what the check before a training says of the files it comes from.

    A file may have changed since that check, or the user went without it.

    Args:
        dataset (Dataset): The data set, which may be wrapped.
        files (callable, optional): Gives the images that are in work; asked after an error only.
            Defaults to all of the data set.

    Raises:
        UserError: What is wrong with the first of them that is; where none is, the error itself.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) or is_out_of_memory(error):
            raise
        fault = None
        with contextlib.suppress(Exception):  # a search for the reason must not hide the error
            fault = fault_of(dataset, None if files is None else set(files()))
        if fault is None:
            raise
        raise UserError(fault) from error


def fault_of(dataset: Dataset, files: Collection[str] | None = None) -> str | None:
    """What is wrong with some files of a data set.

    Args:
        dataset (Dataset): The data set, which may be wrapped.
        files (Collection[str], optional): Paths of its images. Defaults to all.

    Returns:
        str | None: A sentence, or None where nothing is found.
    """
    for leaf in leaf_datasets(dataset):
        checker = FileChecker(leaf)
        for index in range(len(leaf)):
            info = leaf.get_data_info(index)
            if files is None or info.get('img_path') in files:
                problem, _ = checker(Entry.of(info))
                if problem is not None:
                    return problem.text
    return None
