"""Memory that the visitors share."""
import threading

from plugin.demo.budget import Budget


def test_work_waits_until_there_is_memory():
    budget, order = Budget(100), []
    began = threading.Event()

    def work():
        began.set()
        with budget.hold(60):
            order.append('second')

    with budget.hold(30), budget.hold(30):
        thread = threading.Thread(target=work)
        thread.start()
        began.wait()
        order.append('first')
    thread.join()
    assert order == ['first', 'second']


def test_what_takes_more_than_all_is_done_alone():
    budget = Budget(100)
    with budget.hold(1000):
        pass
    with budget.hold(40), budget.hold(60):
        pass


def test_memory_is_given_back_after_an_error():
    budget = Budget(10)
    for _ in range(2):
        try:
            with budget.hold(10):
                raise ValueError
        except ValueError:
            pass
    with budget.hold(10):
        pass
