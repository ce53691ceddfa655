#!/bin/sh
# notify.sh SUMMARY: sends a night's summary. NIGHTLY_MAIL is an address (needs mail), NIGHTLY_WEBHOOK the address of a chat's
# incoming webhook that takes {"text": …} (needs curl and jq). Where neither is set, it is printed: journalctl has it.
set -eu
summary=$1
[ -s "$summary" ] || { mkdir -p "$(dirname "$summary")"; echo '# Night: did not begin; the log says why' > "$summary"; }
subject=$(sed -n '1s/^# //p' "$summary")
if [ -n "${NIGHTLY_MAIL:-}" ]; then mail -s "ToyPipeline: $subject" "$NIGHTLY_MAIL" < "$summary"; fi
if [ -n "${NIGHTLY_WEBHOOK:-}" ]; then jq -Rs '{text: .}' "$summary" | curl -fsS -H 'Content-Type: application/json' --data-binary @- "$NIGHTLY_WEBHOOK"; fi
if [ -z "${NIGHTLY_MAIL:-}${NIGHTLY_WEBHOOK:-}" ]; then cat "$summary"; fi
