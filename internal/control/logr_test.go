package control

import (
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// What libraries say of themselves is for debugging; their errors are not.
func TestLogr(t *testing.T) {
	for _, tt := range []struct {
		level zapcore.Level
		want  int
	}{{zap.DebugLevel, 2}, {zap.InfoLevel, 1}} {
		core, seen := observer.New(tt.level)
		log := newLogr(zap.New(core)).WithName("cache").WithValues("kind", "RuleSet")
		log.Info("started", "n", 1)
		log.V(5).Info("much more")
		log.Error(errors.New("gone"), "list", "odd")
		if seen.Len() != tt.want {
			t.Errorf("%v: %v", tt.level, seen.All())
		}
		last := seen.All()[seen.Len()-1]
		if last.Level != zap.ErrorLevel || last.LoggerName != "cache" || last.ContextMap()["error"] != "gone" || last.ContextMap()["kind"] != "RuleSet" {
			t.Errorf("%+v", last)
		}
	}
}
