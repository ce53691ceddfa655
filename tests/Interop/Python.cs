using System.ComponentModel;
using System.Diagnostics;

namespace ToyPipeline.Interop;

/// <summary>Runs the Python checks of <c>scripts/</c> with the system's Python, or the one that <c>TOY_PYTHON</c> names.</summary>
internal static class Python
{
    private static readonly string s_python = Environment.GetEnvironmentVariable("TOY_PYTHON") is { Length: > 0 } chosen ? chosen : "/usr/bin/python3";

    /// <summary>Skips the test where Python or one of the modules is missing.</summary>
    public static void Require(params string[] modules)
    {
        string packages = string.Join(' ', modules.Select(module => "python3-" + module.Split('.')[0]).Prepend("python3").Distinct());
        if (Missing(modules) is { } problem)
            Assert.Ignore($"{problem}: apt-get install {packages}, or name another Python in TOY_PYTHON.");
    }

    /// <summary>Runs a script in a folder; fails the test with its error output where it fails.</summary>
    public static void RunIn(string folder, string script)
    {
        var (code, output, error) = Start([script], folder);
        Assert.That(code, Is.Zero, $"{error}{output}\n{File.ReadAllText(script)}");
    }

    /// <summary>Runs a script of <c>scripts/</c> and returns what it printed; fails the test with its error output where it fails.</summary>
    public static string Run(string script, params string[] args)
    {
        var (code, output, error) = Start([Path.Combine(AppContext.BaseDirectory, "scripts", script), .. args]);
        Assert.That(code, Is.Zero, $"{script} {string.Join(' ', args)}\n{error}{output}");
        return output.Trim();
    }

    /// <summary>A number as Python's <c>float.hex</c> writes it.</summary>
    public static string Hex(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        string sign = bits < 0 ? "-" : "";
        int exponent = (int)((bits >> 52) & 0x7FF);
        long fraction = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0 && fraction == 0)
            return $"{sign}0x0.0p+0";
        int power = exponent == 0 ? -1022 : exponent - 1023;
        return $"{sign}0x{(exponent == 0 ? 0 : 1)}.{fraction:x13}p{(power < 0 ? "-" : "+")}{Math.Abs(power)}";
    }

    // Why the modules cannot be imported; null where they can.
    private static string? Missing(string[] modules)
    {
        try
        {
            var (code, _, error) = Start(["-c", string.Join('\n', modules.Select(module => "import " + module))]);
            return code == 0 ? null : $"{s_python} lacks a module ({error.Trim().Split('\n')[^1]})";
        }
        catch (Win32Exception e)
        {
            return $"{s_python} does not start ({e.Message})";
        }
    }

    private static (int Code, string Output, string Error) Start(IEnumerable<string> args, string folder = "")
    {
        var start = new ProcessStartInfo(s_python, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
