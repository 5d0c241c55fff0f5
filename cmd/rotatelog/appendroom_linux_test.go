package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAppendMakesRoom: a disk is full, of kept batches among others. A run that lives for
// one fetch deletes such as the store holds, and appends it. It takes root to mount a disk.
func TestAppendMakesRoom(t *testing.T) {
	for name, args := range map[string][]string{"one": {"--one"}, "several": nil} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := os.Mkdir(b.path("work"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", b.path("work"), "tmpfs", 0, "size=4m"); err != nil {
				t.Skipf("mount -t tmpfs: %v; it takes root", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(b.path("work"), 0); err != nil {
					t.Error(err)
				}
			})
			large := func(n int) string {
				return fmt.Sprintf(`{"x":%q,"FETCH_FOOTER":{"total_matches":%d}}`+"\n", strings.Repeat("y", 20_000), n)
			}
			for n := range 50 {
				b.in = strings.NewReader(large(n))
				if b.append("--verbatim", "--one"); b.code != codeOK {
					t.Fatal(b.stderr)
				}
			}
			if err := fillDisk(b.path("work")); err != nil {
				t.Fatal(err)
			}
			b.in = strings.NewReader(large(50))
			if b.append(append(args, "--verbatim")...); b.code != codeOK || b.stderr != "" || !strings.Contains(b.stdout, " #51: ") {
				t.Errorf("code %d, stdout %q, stderr %q", b.code, b.stdout, b.stderr)
			}
			b.wantStored(totals{1, 5, 50, 1225})
		})
	}
}

// fillDisk takes all the room of the disk that a directory is on.
func fillDisk(dir string) error {
	f, err := os.Create(filepath.Join(dir, "somebody's"))
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}
