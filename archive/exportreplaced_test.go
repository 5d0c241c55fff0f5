package archive_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
)

// TestExportWhileTheWriterAppends: a server that mixes two versions while an object is
// replaced has no day taken for damaged, and none of its mixtures exported.
func TestExportWhileTheWriterAppends(t *testing.T) {
	for name, fault := range map[string]fakes3.Fault{"": {}, "torn": {Torn: true, Delay: 10 * time.Second}, "short": {Short: 40}} {
		for _, op := range []string{"GetObject", "HeadObject"} {
			for _, p := range []fakes3.Profile{fakes3.RGW16(), fakes3.Versity()} {
				for i := range 4 {
					raw := i%2 == 0
					t.Run(p.Name+"/"+op+"/"+name, func(t *testing.T) {
						t.Parallel()
						inBucket(t, p, 0, func(t *testing.T, b *bucket) {
							if i > 1 {
								b.cfg.Compression = rotatelog.Gzip
							}
							b.write(10)
							wr, err := rotatelog.Open(t.Context(), b.cfg)
							if err != nil {
								t.Fatal(err)
							}
							defer wr.Close()
							versions := []string{b.object()}
							b.replaceAt(op, 1, fault, func() {
								b.appendNow(wr)
								if err := wr.Flush(t.Context()); err != nil {
									t.Error(err)
								}
								versions = append(versions, b.object())
							})
							e := b.toFolder(b.archive(), t.TempDir(), archive.ExportOptions{Raw: raw}, day)
							if err := e.worst(); err != nil {
								t.Fatalf("raw %v: %v", raw, err)
							}
							text, err := os.ReadFile(e.days[0].File)
							if err != nil {
								t.Fatal(err)
							}
							if n := strings.Count(string(text), "\n"); !raw && n != 10 && n != 11 {
								t.Errorf("%d rows", n)
							}
							if raw && string(text) != versions[0] && string(text) != versions[len(versions)-1] {
								t.Errorf("it is no version of the object:\n%s", text)
							}
						})
					})
				}
			}
		}
	}
}
