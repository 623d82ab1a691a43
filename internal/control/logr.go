package control

import (
	"fmt"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogr makes the logger that libraries of Kubernetes write to.
func newLogr(log *zap.Logger) logr.Logger { return logr.New(&sink{log}) }

// sink writes what libraries say to a zap logger. What they say beyond their usual
// level is for debugging, and their usual level too: it tells of their own doings.
type sink struct{ log *zap.Logger }

// Init implements logr.LogSink.
func (s *sink) Init(info logr.RuntimeInfo) {
	s.log = s.log.WithOptions(zap.AddCallerSkip(info.CallDepth))
}

// Enabled implements logr.LogSink.
func (s *sink) Enabled(level int) bool { return level <= 1 && s.log.Core().Enabled(zapcore.DebugLevel) }

// Info implements logr.LogSink.
func (s *sink) Info(_ int, msg string, pairs ...any) { s.log.Debug(msg, fields(pairs)...) }

// Error implements logr.LogSink.
func (s *sink) Error(err error, msg string, pairs ...any) {
	s.log.Error(msg, append(fields(pairs), zap.Error(err))...)
}

// WithValues implements logr.LogSink.
func (s *sink) WithValues(pairs ...any) logr.LogSink { return &sink{s.log.With(fields(pairs)...)} }

// WithName implements logr.LogSink.
func (s *sink) WithName(name string) logr.LogSink { return &sink{s.log.Named(name)} }

// fields turns keys and values into zap's.
func fields(pairs []any) []zap.Field {
	all := make([]zap.Field, 0, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		key := fmt.Sprint(pairs[i])
		if v, ok := pairs[i+1].(logr.Marshaler); ok {
			all = append(all, zap.Any(key, v.MarshalLog()))
			continue
		}
		all = append(all, zap.Any(key, pairs[i+1]))
	}
	return all
}
