# SPDX-License-Identifier: MIT
"""Everything about the simulated authority that a test may turn."""
KNOBS = {
    # accounts
    "user": "ann", "password": "correct horse", "client_id": "stoker", "client_secret": "client secret",
    # any flow
    "lifetime_s": 14400,         # of a session or an access token
    "expired_status": "401",     # how a lost session looks: 401 403 204 500 302 200-html 200-json
    "clock_shift_s": 0,          # moves the authority's clock
    "clock_skew_s": 0,           # moves only the Date header
    # faults, before all else; the counts go down as they are used
    "fault_path": "", "fault_method": "",  # only requests that begin so
    "rst": 0,                    # so many connections end without an answer
    "burst_5xx": 0, "burst_status": 503,
    "burst_429": 0,
    "hold_path": "", "hold_method": "",  # requests that begin so wait, until this is changed, and are judged then
    "hold_judged": False,        # they are judged as they come; only the answer waits
    "eof_after_idle_s": 0,       # a kept connection that was idle longer is closed, not answered
    # challenge-cookie
    "cookie_name": "sid",
    "challenge_due": True,       # a person must act at every sign-in
    "renew_while_alive": True,   # a live session that signs in again gets a new one, no challenge
    "single_active": True,       # a new session ends the ones before
    "challenge_ttl_s": 1800,
    "challenge_at": "",          # the link is absolute and begins so, e.g. with another host
    "challenge_requires_cookie": True,
    "get_challenge_side_effect": True,
    "mint_limit": 0,             # so many challenges, then the lock-out; 0: any number
    "lockout_s": 300, "lockout_retry_after": False, "lockout_extends": True,
    "finalize_delay_s": 0, "finalize_lands_after_timeout": True,
    "finalize_sets_cookie": False,
    "challenge_429": 0,          # so many polls are told to stop
    "cookie_path_varies": False,
    "auth_rpm": 0,               # sign-ins a minute
    # form login
    "form_cookie": "session", "form_max_age": True, "form_wrong_status": "200-html",  # or 401, 302
    # oauth
    "device_expires_s": 600, "device_interval_s": 5, "device_complete_uri": True,
    "device_wants_secret": False,  # a code is for a client with a secret only
    "slow_down": 0,              # so many polls are told to slow down
    "rotate": True, "reuse_grace_s": 0, "reuse_revokes_family": True,
    "refresh_lifetime_s": 604800,
    "token_delay_s": 0,          # the answer comes so late; what was asked is done at once
    "device_invalid_grant": False,  # an expired code is called invalid_grant
    # gateway
    "gateway_lost": "401",       # or 200-json
    "gateway_stuck": False,      # the inner session does not come up by itself
    "gateway_sso_s": 86400, "idle_s": 360,
    "gateway_status_absent": False,  # tickle's answer says nothing of the inner session
    # jobs
    "tasks_auth": True,          # they need a session
    "slots": 3, "slots_status": 429, "slots_body": "CONCURRENT_LIMIT_EXCEEDED",
    "rate_rpm": 0, "poll_rpm": 0,
    "daily_limit": 0, "daily_body_lies": False,
    "retry_after_form": "int",   # int float date none 0 huge garbage
    "retry_after_s": 1,
    "job_duration_s": 0.2, "queue_silence_s": 0,
    "job_status": "COMPLETE",    # how a job ends that does not say so itself
    "zombie": False,             # a finished job says for ever that it is running
    "drop_location_rate": 0.0, "relative_location": True,
    "submit_lost_rate": 0.0,     # accepted, but the connection ends without the answer
    "multi": True, "children_max": 10, "cancel_siblings": False,
    "read_404": 0,               # so many polls of a live job are told that there is none
    "result_delay_s": 0,
}


class Knobs:
    def __init__(self, **values):
        vars(self).update(KNOBS)
        unknown = self.change(values)
        if unknown is not None:
            raise TypeError(f"no knob {unknown}")

    def change(self, values):
        """Sets all, or none and names one that does not exist."""
        for name in values:
            if name not in KNOBS:
                return name
        vars(self).update(values)
        return None
