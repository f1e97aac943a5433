"""``python -m graphc.tf1 [-m] PROGRAM [ARGUMENTS]``: runs a TensorFlow 1 program as ``python`` would."""

from graphc.tf1.runner import main

main()
