// Package zap stands in for the real one, which only its import path matters of.
package zap

type Logger struct{}

func L() *Logger { return nil }

func S() *Logger { return nil }

func ReplaceGlobals(*Logger) {}
