#!/bin/sh
# work.sh RESULT [FILE] - says when it begins and ends, waits for FILE, prints RESULT.
#
# Each line is one append to ./history, stamped with the time since boot. The
# lock on locks/JOB lives as long as any process of the attempt: a second
# attempt that finds it taken says "overlap".
exec 9>>"locks/$STOKER_JOB_ID"
read -r up idle </proc/uptime
flock -n 9 || echo "overlap $STOKER_JOB_ID $STOKER_ATTEMPT_ID $up" >>history
echo "begin $STOKER_JOB_ID $STOKER_ATTEMPT_ID $up" >>history
while [ -n "$2" ] && [ ! -e "$2" ]; do sleep 0.02; done
read -r up idle </proc/uptime
echo "end $STOKER_JOB_ID $STOKER_ATTEMPT_ID $up" >>history
echo "$1"
