package rotatelog

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPackedPrograms reads compressed objects with the programs that people use.
// Those that are not installed are skipped.
func TestPackedPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts other programs")
	}
	t.Parallel()
	const python = `
import gzip, sys, zlib
packed = open(sys.argv[1], 'rb').read()
text = gzip.decompress(packed)
member = zlib.decompressobj(wbits=31)
assert member.decompress(packed) == text and zlib.decompress(packed, wbits=31) == text
assert member.eof and not member.unused_data, 'more than one member'
sys.stdout.buffer.write(text)`
	programs := map[Compression][][]string{
		Zstd: {{"zstd", "-dc"}, {"zstdcat"}, {"curl", "--compressed", "-sS"}},
		Gzip: {{"gzip", "-dc"}, {"gunzip", "-c"}, {"python3", "-c", python}, {"curl", "--compressed", "-sS"}},
	}
	inCompressions(t, func(t *testing.T, c Compression) {
		p := newPackedDay(t, c)
		for n := range 3 {
			p.leap(metadataLast, testUpload(n, 5))
		}
		u := testUpload(4, 10)
		u.Data = footballBatch(1_000_000)
		p.leap(metadataLast, u)
		large := *p
		p.leap(metadataFirst)
		for _, command := range programs[c] {
			t.Run(command[0], func(t *testing.T) {
				wantProgram(t, command[0], c)
				for _, day := range []packedDay{large, *p} {
					file := day.file(t, command[0] == "curl")
					args := append(command[1:len(command):len(command)], file)
					var stderr bytes.Buffer
					cmd := exec.CommandContext(t.Context(), command[0], args...)
					cmd.Stderr = &stderr
					out, err := cmd.Output()
					if err != nil {
						t.Fatalf("%q: %v\n%s", args, err, &stderr)
					}
					if diff := difference(string(day.plain), string(out)); diff != "" {
						t.Errorf("text (-want +got):\n%s", diff)
					}
				}
			})
		}
	})
}

// leap is step without the checks, which take long for a large day.
func (p *packedDay) leap(to layout, uploads ...upload) {
	p.t.Helper()
	var packed []upload
	for _, u := range uploads {
		packed = append(packed, packUpload(p.t, p.o.pack, u))
	}
	parts, next := p.d.appendAs(to, packed...)
	p.b, p.d = applyParts(p.t, p.b, parts), next
	parts, next = p.plainDoc.appendAs(to, uploads...)
	p.plain, p.plainDoc = applyParts(p.t, p.plain, parts), next
}

// wantProgram skips the test if there is no such program, or it is a curl that was
// built without that compression.
func wantProgram(t *testing.T, name string, c Compression) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("it is not installed")
	}
	if name != "curl" {
		return
	}
	library := map[Compression]string{Zstd: "zstd", Gzip: "libz"}[c]
	if version, err := exec.CommandContext(t.Context(), name, "--version").Output(); err != nil || !bytes.Contains(version, []byte(library)) {
		t.Skipf("it has no %s: %v", library, err)
	}
}

// file returns the name of a file with the object, or its URL on a server that
// says how it is compressed.
func (p *packedDay) file(t *testing.T, served bool) string {
	t.Helper()
	if served {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", p.o.pack.String())
			w.Write(p.b)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	name := filepath.Join(t.TempDir(), "day.json."+p.o.pack.suffix())
	if err := os.WriteFile(name, p.b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
