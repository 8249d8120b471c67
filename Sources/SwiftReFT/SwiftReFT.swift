/// Everything that a user of the package needs, under one import.
@_exported import Analysis
@_exported import Checkpoints
@_exported import Graph
@_exported import InterventionDSL
@_exported import JSON
@_exported import Models
@_exported import ReFTPresets
@_exported import Runtime
@_exported import Session
@_exported import Tokenizers
@_exported import Training
