package settings

import (
	"maps"
	"strings"
	"testing"
)

// What parses has one meaning: its names and values, written out, parse to the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"A=b\n", "# x\n\nA=b c\nB=\n", "A='b'\n", "\ufeffA=b", "A=b\r\n", "export A=b", "A=b \\\n", "ROTATELOG_A=$B\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := parse("env", text)
		if err != nil {
			return
		}
		var again strings.Builder
		values := map[string]string{}
		for name, l := range lines {
			values[name] = l.value
			again.WriteString(name + "=" + l.value + "\n")
		}
		lines, err = parse("env", again.String())
		if err != nil {
			t.Fatalf("%q: %v", again.String(), err)
		}
		same := map[string]string{}
		for name, l := range lines {
			same[name] = l.value
		}
		if !maps.Equal(values, same) {
			t.Errorf("%q is %q, then %q", text, values, same)
		}
	})
}
