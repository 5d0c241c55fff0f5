package rotatelog

import (
	"encoding/binary"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestXXHash compares with the checksums that an encoder puts at the end of its
// frames.
func TestXXHash(t *testing.T) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	text := make([]byte, 300)
	for i := range text {
		text[i] = byte(i*i*7 + i)
	}
	if got := xxHash64(nil); got != 0xef46db3751d8e999 {
		t.Errorf("no bytes: %016x", got)
	}
	for n := 1; n <= len(text); n++ {
		frame := w.EncodeAll(text[:n], nil)
		want := binary.LittleEndian.Uint32(frame[len(frame)-4:])
		if got := uint32(xxHash64(text[:n])); got != want {
			t.Errorf("%d bytes: %08x, want %08x", n, got, want)
		}
	}
}
