/* SPDX-License-Identifier: MIT */
#include "store/pg/pg.h"
