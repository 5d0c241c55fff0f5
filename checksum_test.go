package rotatelog_test

import (
	"testing"

	"example.com/rotatelog"
)

// TestEachUploadHasAChecksum: parseDay compares what it is.
func TestEachUploadHasAChecksum(t *testing.T) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		t.Run(pack.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.Compression, b.cfg.MaxFetches = pack, 3
				b.open()
				b.append(1, 2, 3)
				b.reopen()
				b.append(4, 5)
				b.flush()
				key := b.mem.Keys()[0]
				for _, u := range b.day(key).Uploads {
					if len(u.SHA256) != 64 {
						t.Errorf("upload %d has the upload_sha256 %q", u.Sequence, u.SHA256)
					}
				}
			})
		})
	}
}
