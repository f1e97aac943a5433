"""A program that ends without stopping anything ends: threads that prefetch or fill queues do not hold it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import graphc as tf
numbers = tf.data.Dataset.range(10**9).map(lambda n: tf.exp(tf.cast(n % 7, tf.float32)))
x = numbers.repeat().batch(8).prefetch(3).make_one_shot_iterator().get_next()
y = tf.train.batch([tf.train.range_input_producer(10, shuffle=False).dequeue() * 2], 4)
session = tf.Session()
tf.train.start_queue_runners(session)
for _ in range(5):
    found = session.run([x, y])
print(found[1])
"""


def test_a_program_ends_while_its_threads_are_at_work() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[12 14 16 18]\n"
