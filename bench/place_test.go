package bench

import (
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestPlaceKeepsBytesAndMetadata: an object is copied with its bytes and its metadata, whole or in
// parts.
func TestPlaceKeepsBytesAndMetadata(t *testing.T) {
	server, rope := fake(t), newRope(t)
	client := server.Client(new(Requests))
	store := s3test.Must(s3store.New(client, server.Bucket, s3store.Options{}))
	large := strings.Repeat("0123456789abcdef", 12<<20/16)
	write(t, rope, "small", "small")
	write(t, rope, "large", large)
	obj, err := rope.Stat(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	if err := Place(t.Context(), server, rope, "small"); err != nil {
		t.Fatal(err)
	}
	if err := (placing{client, server.Bucket, "large", rope, obj}).putParts(t.Context(), 5<<20); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"small": "small", "large": large} {
		if got := string(get(t, server, key)); got != want {
			t.Errorf("%s: %d bytes came over, want %d", key, len(got), len(want))
		}
		if obj, err := store.Stat(t.Context(), key); err != nil || obj.Meta["a"] != "b" {
			t.Errorf("%s: %+v, %v", key, obj, err)
		}
	}
}

// write makes an object with metadata.
func write(tb testing.TB, s rotatelog.Store, key, text string) {
	tb.Helper()
	parts := []rotatelog.Part{rotatelog.Data([]byte(text))}
	if err := s.Write(tb.Context(), key, "", parts, map[string]string{"a": "b"}); err != nil {
		tb.Fatal(err)
	}
}
