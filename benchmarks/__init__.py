"""graphc beside other systems: same weights, same batches, same CPUs, taking turns."""
