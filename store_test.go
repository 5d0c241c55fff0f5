package rotatelog_test

import (
	"io"
	"testing"

	"example.com/rotatelog"
)

func TestSizeOfParts(t *testing.T) {
	for _, c := range []struct {
		name string
		part rotatelog.Part
		size int64
		copy bool
	}{
		{"data", rotatelog.Data([]byte("abc")), 3, false},
		{"empty data", rotatelog.Data([]byte{}), 0, false},
		{"nil data", rotatelog.Data(nil), 0, false},
		{"copy", rotatelog.Copy(5, 7), 7, true},
		{"empty copy", rotatelog.Copy(5, 0), 0, true},
		{"stream", rotatelog.Stream(7, func() (io.ReadCloser, error) { return nil, nil }), 7, false},
		{"data where there is also a range", rotatelog.Part{Data: []byte("abc"), Off: 1, Len: 9}, 3, false},
	} {
		if got := c.part.Size(); got != c.size {
			t.Errorf("%s: Size = %d, want %d", c.name, got, c.size)
		}
		if isCopy := c.part.IsCopy(); isCopy != c.copy {
			t.Errorf("%s: taken for a copy: %t, want %t", c.name, isCopy, c.copy)
		}
	}
	b := []byte("abc")
	if p := rotatelog.Data(b); &p.Data[0] != &b[0] {
		t.Error("Data copied what it was given")
	}
}
