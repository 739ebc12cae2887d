# SPDX-License-Identifier: MIT
"""The flows of the simulator, one class each: answer(request), knows(request), person(act), seen()."""
