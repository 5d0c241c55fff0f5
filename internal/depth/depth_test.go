package depth_test

import (
	"strings"
	"testing"

	"example.com/rotatelog/internal/depth"
)

func TestOnlyTheVariableAsksForEverything(t *testing.T) {
	for _, test := range []struct {
		value string
		full  bool
	}{{"", false}, {"0", false}, {"false", false}, {"1", true}, {"true", true}} {
		t.Setenv(depth.Variable, test.value)
		want := 2
		switch {
		case depth.Short():
			want = 1
		case test.full:
			want = 3
		}
		if got := depth.N(1, 2, 3); got != want || depth.Full() != (want == 3) {
			t.Errorf("%s=%q: it is %d, and full is %v, want %d", depth.Variable, test.value, got, depth.Full(), want)
		}
	}
}

func TestVariableThatSaysNothingIsRefused(t *testing.T) {
	t.Setenv(depth.Variable, "yes, please")
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, depth.Variable) {
			t.Errorf("it panics with %q", text)
		}
	}()
	depth.Full()
}
