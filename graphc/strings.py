"""tf.strings: what is done to strings; all of it runs on the host."""

from graphc.ops.printing import string_format as format
from graphc.ops.string_split import split
from graphc.ops.strings import (
    as_string,
    reduce_join,
    regex_full_match,
    regex_replace,
    substr,
)
from graphc.ops.strings import string_join as join
from graphc.ops.strings import string_length as length
from graphc.ops.strings import string_lower as lower
from graphc.ops.strings import string_strip as strip
from graphc.ops.strings import string_to_hash_bucket_fast as to_hash_bucket_fast
from graphc.ops.strings import string_to_number as to_number
from graphc.ops.strings import string_upper as upper

__all__ = [
    "as_string",
    "format",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "split",
    "strip",
    "substr",
    "to_hash_bucket_fast",
    "to_number",
    "upper",
]
