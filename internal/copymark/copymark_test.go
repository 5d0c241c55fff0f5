package copymark

import (
	"maps"
	"strings"
	"testing"

	"example.com/rotatelog"
)

func TestMark(t *testing.T) {
	source := rotatelog.Object{Version: "v1", Size: 7, Meta: map[string]string{"n": "1"}}
	meta := Meta("key", source)
	if len(meta) != 2 || meta["n"] != "1" || !maps.Equal(source.Meta, map[string]string{"n": "1"}) {
		t.Errorf("the metadata is %v, and that of the source %v", meta, source.Meta)
	}
	for _, c := range []struct {
		from string
		v    rotatelog.Version
		size int64
		want bool
	}{
		{"key", "v1", 7, true},
		{"key", "v1", 8, false},
		{"key", "v2", 7, false},
		{"other", "v1", 7, false},
	} {
		if got := IsCopy(rotatelog.Object{Size: c.size, Meta: meta}, c.from, c.v); got != c.want {
			t.Errorf("a copy of %s, %s, with %d bytes: %t", c.from, c.v, c.size, got)
		}
	}
	if again := Meta("to", rotatelog.Object{Version: "v2", Size: 7, Meta: meta}); len(again) != 2 || IsCopy(rotatelog.Object{Size: 7, Meta: again}, "key", "v1") {
		t.Errorf("a copy of a copy has %v", again)
	}
	if meta := Meta("key", rotatelog.Object{Version: "v1"}); !IsCopy(rotatelog.Object{Meta: meta}, "key", "v1") {
		t.Errorf("without metadata: %v", meta)
	}
	source.Meta["long"] = strings.Repeat("x", 2030)
	if meta := Meta("key", source); len(meta) != 1 || !IsCopy(rotatelog.Object{Size: 7, Meta: meta}, "key", "v1") {
		t.Errorf("%d of 2 KB of metadata are kept, and not the mark alone", len(meta))
	}
	if IsCopy(rotatelog.Object{Size: 7}, "key", "v1") {
		t.Error("an object without metadata is taken for a copy")
	}
}
