package rawjson

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"example.com/rotatelog/internal/football"
)

// BenchmarkWriteCompact compares hashing a fetch without white space with hashing all of
// it.
func BenchmarkWriteCompact(b *testing.B) {
	compact := football.New(1, 800_000).Next()
	indented, err := AppendIndented(nil, compact)
	if err != nil {
		b.Fatal(err)
	}
	for form, text := range map[string][]byte{"compact": compact, "indented": indented} {
		b.Run("form="+form+"/way=WriteCompact", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				WriteCompact(sha256.New(), text)
			}
		})
		b.Run("form="+form+"/way=hash", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				sha256.Sum256(text)
			}
		})
		b.Run("form="+form+"/way=AppendCompact", func(b *testing.B) {
			var out []byte
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				out, _ = AppendCompact(out[:0], text)
			}
		})
	}
}

func TestWriteCompact(t *testing.T) {
	compact := football.New(1, 50_000).Next()
	indented, err := AppendIndented(nil, compact)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{compact, indented, []byte(" [ \"a \\\" b\\\\\" , 1 ]\n"), []byte(`{"a":"\\"}`), nil} {
		want, err := AppendCompact(nil, text)
		if len(text) > 0 && err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if WriteCompact(&got, text); !bytes.Equal(got.Bytes(), want) {
			t.Errorf("got %.100q, want %.100q", got.Bytes(), want)
		}
	}
}

func TestSoleMember(t *testing.T) {
	for _, tt := range []struct {
		object, want string
		ok           bool
	}{
		{`{"a":{"x":1},"b":2}`, `{"x":1}`, true},
		{` { "a" : 5 }`, `5`, true},
		{`{"b":2,"a":1}`, ``, false},
		{`{"a":1,"a":2}`, ``, false},
		{`{"a":1,"\u0061":2}`, ``, false},
		{`{"\u0061":2}`, ``, false},
		{`{}`, ``, false},
		{`{"a":1,"b":["\u0061"]}`, ``, false},
	} {
		got, ok := SoleMember([]byte(tt.object), "a")
		if ok != tt.ok || ok && string(got) != tt.want {
			t.Errorf("%s: %s, %v", tt.object, got, ok)
		}
	}
}
