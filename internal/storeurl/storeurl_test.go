package storeurl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const linode = "https://us-ord-1.linodeobjects.com"

func TestURLsSayAllButTheSecret(t *testing.T) {
	for _, test := range []struct {
		url  string
		opts Options
		want Place
		text string
	}{
		{"file:///srv/logs/", Options{}, Place{Dir: "/srv/logs"}, "file:///srv/logs"},
		{"file:///a%3Fb", Options{}, Place{Dir: "/a?b"}, "file:///a%3Fb"},
		{"s3://logs?endpoint=" + linode, Options{}, Place{Bucket: "logs", Endpoint: linode, Region: "us-ord-1", PathStyle: true}, "s3://logs"},
		{"s3://logs/a/b/?endpoint=https://s3.example&region=eu-1&path-style=false&profile=MIRROR", Options{Encrypt: true},
			Place{Bucket: "logs", Prefix: "a/b/", Endpoint: "https://s3.example", Region: "eu-1", Profile: "MIRROR", encrypt: true}, "s3://logs/a/b"},
		{"s3://logs", Options{Endpoint: "http://127.0.0.1:9000", Region: "r", PathStyle: "false", EncryptionKey: "/key"},
			Place{Bucket: "logs", Endpoint: "http://127.0.0.1:9000", Region: "r", keyFile: "/key"}, "s3://logs"},
		{"s3://logs?endpoint=" + linode, Options{Endpoint: linode}, Place{Bucket: "logs", Endpoint: linode, Region: "us-ord-1", PathStyle: true}, "s3://logs"},
		{"s3://logs?endpoint=http://minio:9000", Options{InsecureHTTP: true}, Place{Bucket: "logs", Endpoint: "http://minio:9000", Region: "us-east-1", PathStyle: true}, "s3://logs"},
		{"s3://logs?endpoint=http://[::1]:9000", Options{}, Place{Bucket: "logs", Endpoint: "http://[::1]:9000", Region: "us-east-1", PathStyle: true}, "s3://logs"},
	} {
		p, err := Parse(test.url, test.opts)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
		} else if *p != test.want || p.String() != test.text {
			t.Errorf("%s is %+v, %s, want %+v, %s", test.url, *p, p, test.want, test.text)
		}
	}
}

func TestWrongURLsAreRefused(t *testing.T) {
	for _, test := range []struct {
		url  string
		opts Options
		want string
	}{
		{"", Options{}, `"" is not a URL: use s3://BUCKET`},
		{"logs", Options{}, `"logs" is not a URL`},
		{"gs://logs", Options{}, "unknown scheme"},
		{"s3://AKID:HIDDEN@logs", Options{}, "must not contain a key"},
		{"s3://logs%", Options{}, `invalid URL escape "%"`},
		{"s3://[HIDDEN", Options{}, "it is not a URL"},
		{"file://srv/logs", Options{}, "with three slashes"},
		{"file:///srv?x", Options{}, "write ? as %3F"},
		{"file:///srv", Options{Region: "x"}, "are for s3://BUCKET only"},
		{"s3://", Options{}, "it names no bucket: s3://BUCKET[/FOLDER]"},
		{"s3://logs", Options{}, "append ?endpoint=https://us-ord-1"},
		{"s3://logs?endpoint=x", Options{}, "the endpoint is not a URL"},
		{"s3://logs", Options{Endpoint: "https://AKID:HIDDEN@s3.example"}, "the endpoint must not contain a key"},
		{"s3://logs", Options{Endpoint: "http://AKID:HIDDEN@s3.example"}, "the endpoint must not contain a key"},
		{"s3://logs?endpoint=http://AKID:HIDDEN%40s3.example", Options{}, "the endpoint must not contain a key"},
		{"s3://logs", Options{Endpoint: "AKID:HIDDEN@s3.example"}, "endpoint"},
		{"s3://logs", Options{Endpoint: "https:/AKID:HIDDEN@s3.example"}, "endpoint"},
		{"s3://logs", Options{Endpoint: "https:AKID:HIDDEN@s3.example"}, "endpoint"},
		{"s3://logs", Options{Endpoint: "//AKID:HIDDEN@s3.example"}, "endpoint"},
		{"s3://logs?endpoint=http://AKID:HIDDEN%40s3.example", Options{Endpoint: "http://127.0.0.1:1"}, "the endpoint must not contain a key"},
		{"s3://logs?endpoint=http://127.0.0.1:1", Options{Endpoint: "AKID:HIDDEN@s3.example"}, "the endpoint must not contain a key"},
		{"s3://logs?endpoint=AKID:HIDDEN@s3.example", Options{}, "must not contain a key"},
		{"s3://logs?endpoint=http://minio:9000", Options{}, "would send all fetches in the clear: use https, or --insecure-http"},
		{"s3://logs?endpoint=http://127.0.0.1.example", Options{}, "in the clear"},
		{"s3://logs?endpoint=" + linode, Options{Endpoint: "https://other"}, "leave one out"},
		{"s3://logs?endpoint=" + linode + "&endpoint=x", Options{}, "the parameter endpoint needs one value"},
		{"s3://logs?endpoint=" + linode + "&regoin=x", Options{}, `unknown parameter "regoin": use endpoint, region, path-style, profile`},
		{"s3://logs?endpoint=" + linode + "&path-style=maybe", Options{}, "use true or false"},
		{"s3://logs?endpoint=" + linode, Options{Encrypt: true, EncryptionKey: "/key"}, "leave one out"},
		{"s3://logs#x?endpoint=" + linode, Options{}, "write # as %23"},
	} {
		if _, err := Parse(test.url, test.opts); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%s: %v, want %s", test.url, err, test.want)
		}
	}
}

func TestSamePlaces(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	const server = "s3://logs?endpoint=https://s3.example"
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"file:///none", "file:///none/", true},
		{"file:///none", "file:///other", false},
		{"file://" + dir, "file://" + dir + "/link", true},
		{"file://" + dir, server, false},
		{server, server + "&region=x&profile=READ", true},
		{server, "s3://logs?endpoint=https://S3.example:443/", true},
		{server, "s3://logs/folder?endpoint=https://s3.example", true},
		{server, "s3://other?endpoint=https://s3.example", false},
		{server, "s3://logs?endpoint=https://s3.example:8443", false},
	} {
		a, err := Parse(test.a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(test.b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Same(b); got != test.want || b.Same(a) != got {
			t.Errorf("%s and %s: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func TestEncryptionKeyFiles(t *testing.T) {
	for _, test := range []struct {
		text string
		mode os.FileMode
		want string // "": it is a key
	}{
		{strings.Repeat("k", 32), 0o600, ""},
		{"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n", 0o400, ""},
		{strings.Repeat("k", 32), 0o644, "others can read"},
		{"short", 0o600, "must hold 32 bytes, as they are or in base64"},
		{strings.Repeat("k", 2000), 0o600, "too large"},
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(test.text), test.mode); err != nil {
			t.Fatal(err)
		}
		key, err := readKeyFile(file)
		if test.want == "" && (err != nil || string(key) != strings.Repeat("k", 32)) {
			t.Errorf("%q: %q, %v", test.text, key, err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
	if _, err := readKeyFile(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "to make one: ") {
		t.Errorf("%v", err)
	}
}
