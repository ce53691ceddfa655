using System.Runtime.InteropServices;

namespace ToyPipeline.Training.Fused;

/// <summary>Floats outside the garbage collector's heap, zero at first.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    /// <summary>Bytes of a cache line.</summary>
    public const int CacheLine = 64;

    /// <summary>Bytes of a huge page: addresses within one differ in what caches look at, and in nothing else.</summary>
    public const int HugePage = 2 << 20;

    /// <summary>Room for floats.</summary>
    /// <param name="floats">How many.</param>
    /// <param name="alignment">What the address is a multiple of, in bytes.</param>
    public AlignedBuffer(long floats, int alignment = CacheLine)
    {
        // A little more than asked for, so that whole vectors may be written at the end.
        nuint bytes = (nuint)((floats + 32) * sizeof(float));
        Pointer = (float*)NativeMemory.AlignedAlloc(bytes, (nuint)alignment);
        NativeMemory.Clear(Pointer, bytes);
    }

    /// <summary>A number of floats rounded up to whole cache lines.</summary>
    public static long WholeLines(long floats) => (floats + (CacheLine / sizeof(float)) - 1) / (CacheLine / sizeof(float)) * (CacheLine / sizeof(float));

    ~AlignedBuffer() => Free();

    public float* Pointer { get; private set; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
