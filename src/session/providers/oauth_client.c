/* SPDX-License-Identifier: MIT */
#include "session/provider.h"

const struct stk_provider_ops stk_provider_oauth_client = { 0 };
