#!/usr/bin/env bash
# Builds and runs ToyPipeline. Arguments go to build.cake: --target=Test, --experiment=NAME, …
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
[ -t 1 ] || export NO_COLOR=1

if ! command -v dotnet > /dev/null; then
  echo "The .NET 10 SDK is needed, and there is no 'dotnet' on the PATH." >&2
  exit 3
fi
dotnet tool restore --verbosity quiet > /dev/null || { echo "The build tool Cake could not be restored: see the message above." >&2; exit 3; }
exec dotnet cake build.cake "$@"
