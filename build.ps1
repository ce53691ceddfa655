# Builds and runs ToyPipeline. Arguments go to build.cake: --target=Test, --experiment=NAME, ...
$ErrorActionPreference = 'Stop'
Push-Location $PSScriptRoot
try {
    $env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
    $env:DOTNET_NOLOGO = '1'
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        [Console]::Error.WriteLine("The .NET 10 SDK is needed, and there is no 'dotnet' on the PATH.")
        exit 3
    }
    dotnet tool restore --verbosity quiet | Out-Null
    if ($LASTEXITCODE -ne 0) { exit 3 }
    dotnet cake build.cake @args
    exit $LASTEXITCODE
}
finally {
    Pop-Location
}
