package bench

import "testing"

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{"0B": 0, "999B": 999, "130kB": 130 * KB, "1.8MB": 1_800_000, "2.6GB": 2600 * MB} {
		var got Size
		if err := got.Set(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s is %d, %v; written %s", text, got, err, got)
		}
	}
	for _, text := range []string{"", "MB", "3 GB", "-1MB", "3TB"} {
		if err := new(Size).Set(text); err == nil {
			t.Errorf("%q is a size", text)
		}
	}
}
