"""Loads an ONNX model and saves it again with the onnx package."""
import sys

import onnx

onnx.save(onnx.load(sys.argv[1]), sys.argv[2])
