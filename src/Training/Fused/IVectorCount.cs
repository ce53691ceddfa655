namespace ToyPipeline.Training.Fused;

/// <summary>A number of vectors that is known when a kernel is compiled.</summary>
internal interface IVectorCount
{
    /// <summary>Whole vectors.</summary>
    static abstract int Value { get; }

    /// <summary>Whether half a vector follows.</summary>
    static virtual bool Half => false;
}

internal readonly struct None : IVectorCount
{
    public static int Value => 0;
}

internal readonly struct Half : IVectorCount
{
    public static int Value => 0;

    static bool IVectorCount.Half => true;
}

internal readonly struct One : IVectorCount
{
    public static int Value => 1;
}

internal readonly struct OneAndHalf : IVectorCount
{
    public static int Value => 1;

    static bool IVectorCount.Half => true;
}

internal readonly struct Two : IVectorCount
{
    public static int Value => 2;
}

internal readonly struct TwoAndHalf : IVectorCount
{
    public static int Value => 2;

    static bool IVectorCount.Half => true;
}

internal readonly struct Three : IVectorCount
{
    public static int Value => 3;
}

internal readonly struct Four : IVectorCount
{
    public static int Value => 4;
}

internal readonly struct Five : IVectorCount
{
    public static int Value => 5;
}

internal readonly struct Six : IVectorCount
{
    public static int Value => 6;
}

internal readonly struct Seven : IVectorCount
{
    public static int Value => 7;
}

internal readonly struct Eight : IVectorCount
{
    public static int Value => 8;
}
