package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// environment returns a Getenv that knows the given names and values.
func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

const (
	testID     = "AKIDTEST"
	testSecret = "hidden/secret"
	testToken  = "hidden-token"
)

func withKey() func(string) string {
	return environment("AWS_ACCESS_KEY_ID", testID, "AWS_SECRET_ACCESS_KEY", testSecret, "AWS_SESSION_TOKEN", testToken)
}

func TestS3UsageErrors(t *testing.T) {
	const bucket, endpoint = "-store s3://logs ", "-endpoint https://s3.test "
	id, secret := []string{"AWS_ACCESS_KEY_ID", testID}, []string{"AWS_SECRET_ACCESS_KEY", testSecret}
	for _, test := range []struct {
		args string
		env  func(string) string
		want string
	}{
		{bucket, withKey(), "-endpoint is missing: name the server, as in -endpoint https://us-ord-1.linodeobjects.com"},
		{bucket + endpoint, nil, "the environment does not set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "},
		{bucket + endpoint, environment(id...), "the environment does not set AWS_SECRET_ACCESS_KEY: "},
		{bucket + endpoint, environment(secret...), "the environment does not set AWS_ACCESS_KEY_ID: "},
		{bucket + endpoint, environment(append(id, "AWS_SECRET_ACCESS_KEY", testSecret+"\n")...), "the environment variable AWS_SECRET_ACCESS_KEY has white space"},
		{endpoint + "-store s3://", withKey(), "it names no bucket"},
		{endpoint + "-store s3:///logs", withKey(), "it names no bucket"},
		{endpoint + "-store s3:logs", withKey(), "it names no bucket"},
		{endpoint + "-store s3://b", withKey(), `"b" is not the name of a bucket`},
		{endpoint + "-store s3://logs:80", withKey(), `"logs:80" is not the name of a bucket`},
		{endpoint + "-store s3://logs/a?b", withKey(), "write ? as %3F"},
		{endpoint + "-store s3://logs/a?", withKey(), "write ? as %3F"},
		{endpoint + "-store s3://logs/a#b", withKey(), "# as %23"},
		{endpoint + "-store s3://AKIDTEST:hidden/secret@logs", withKey(), "the URL must not contain a key"},
		{endpoint + "-store S3://AKIDTEST:hidden@logs", withKey(), "the URL must not contain a key"},
		{endpoint + "-store https://AKIDTEST:hidden@s3.test/logs", withKey(), "the URL must not contain a key"},
		{endpoint + "-store https://AKIDTEST:hidden%zz@s3.test/logs", withKey(), "the URL must not contain a key"},
		{"-store file://AKIDTEST:hidden@s3.test/logs", withKey(), "the URL must not contain a key"},
		{"-store //AKIDTEST:hidden@s3.test/logs", withKey(), "the URL must not contain a key"},
		{bucket + "-endpoint https://AKIDTEST:hidden-token@s3.test", withKey(), "the URL must not contain a key"},
		{endpoint + "-store s3://AKIDTEST:hidden", withKey(), "-store: it is not a URL"},
		{bucket + "-endpoint AKIDTEST:hidden", withKey(), "the endpoint has no https:// and host"},
		{bucket + "-endpoint https:AKIDTEST:hidden@s3.test", withKey(), "the URL must not contain a key"},
		{bucket + "-endpoint https://s3.test/logs", withKey(), "the path of the endpoint names the bucket; leave that out: https://s3.test"},
		{bucket + endpoint + "-region us-east-1\"", withKey(), "is not the name of a region: it has quotation marks around it"},
		{bucket + endpoint, environment(append(id, "AWS_SECRET_ACCESS_KEY", "'"+testSecret+"'")...), "the secret key cannot be right: it has quotation marks around it"},
		{bucket + endpoint, environment(append(id, "AWS_SECRET_ACCESS_KEY", testSecret, "AWS_REGION", "us-east-1\r")...), "it has a carriage return at its end; remove that, in AWS_REGION"},
		{bucket + "-endpoint s3.test", withKey(), `"s3.test" has no https://`},
		{bucket + "-endpoint https://logs.us-ord-1.linodeobjects.com", withKey(), "leave that out: https://us-ord-1.linodeobjects.com"},
		{bucket + "-endpoint https://s3.test/?x=y", withKey(), "continues after its path"},
		{bucket + endpoint + "-path-style=maybe", withKey(), `invalid boolean value "maybe"`},
	} {
		env, stdout, stderr := testEnv(strings.Fields(test.args)...)
		env.Getenv = test.env
		c, code := parse(env)
		if c != nil || code != Usage || stdout.Len() > 0 {
			t.Errorf("%s: code %d, stdout %q", test.args, code, stdout)
		}
		lines := strings.Split(stderr.String(), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "test: ") || !strings.Contains(lines[0], test.want) ||
			lines[1] != "run with -h for help" || strings.Contains(lines[0], "hidden") {
			t.Errorf("%s: stderr %q, want %q in one line, and the hint", test.args, stderr, test.want)
		}
	}
}

func TestS3Prefix(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-store s3://logs", ""},
		{"-store s3://logs/", ""},
		{"-store s3://logs/all", "all/"},
		{"-store s3://logs/all/", "all/"},
		{"-store s3://logs/a/b%20c%3F", "a/b c?/"},
	} {
		env, _, stderr := testEnv(append(strings.Fields(test.args), "-endpoint", "https://s3.test")...)
		env.Getenv = withKey()
		c, code := parse(env)
		if c == nil || c.Prefix != test.want || stderr.Len() > 0 {
			t.Errorf("%s: code %d, stderr %q, prefix of %+v, want %q", test.args, code, stderr, c, test.want)
			continue
		}
		if _, ok := c.Store.(*s3store.Store); !ok {
			t.Errorf("%s: the store is a %T", test.args, c.Store)
		}
	}
}

func TestRegion(t *testing.T) {
	for _, test := range []struct{ flag, env, endpoint, want string }{
		{"", "", "https://us-ord-1.linodeobjects.com", "us-ord-1"},
		{"", "", "https://US-ORD-1.LinodeObjects.com:443/", "us-ord-1"},
		{"", "", "https://logs.us-ord-1.linodeobjects.com", "us-east-1"},
		{"", "", "https://linodeobjects.com", "us-east-1"},
		{"", "", "http://127.0.0.1:9000", "us-east-1"},
		{"", "eu-central-1", "https://us-ord-1.linodeobjects.com", "eu-central-1"},
		{"here", "eu-central-1", "https://us-ord-1.linodeobjects.com", "here"},
	} {
		flags := StoreFlags{endpoint: test.endpoint, region: test.flag}
		if got := flags.regionIn(Env{Getenv: environment("AWS_REGION", test.env)}); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// The client sends what the flags say, with the key from the environment.
func TestS3Client(t *testing.T) {
	for _, pathStyle := range []bool{true, false} {
		srv := fakes3.New(fakes3.Options{AccessKey: testID, SecretKey: testSecret, SessionToken: testToken, Region: "us-ord-1"})
		srv.CreateBucket("logs")
		flags := StoreFlags{endpoint: "https://us-ord-1.linodeobjects.com", pathStyle: pathStyle}
		client, err := flags.client(Env{Getenv: withKey()})
		if err != nil {
			t.Fatal(err)
		}
		var asked string
		client = s3.New(client.Options(), func(o *s3.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				asked = req.URL.Host + req.URL.Path
				return fakes3.Transport(srv).RoundTrip(req)
			})}
		})
		store := s3test.Must(s3store.New(client, "logs", s3store.Options{}))
		err = store.Write(t.Context(), "key", "", []rotatelog.Part{rotatelog.Data([]byte("x"))}, nil)
		if data, _, _ := srv.Object("logs", "key"); err != nil || string(data) != "x" {
			t.Errorf("path style %v: stored %q, %v", pathStyle, data, err)
		}
		want := "logs.us-ord-1.linodeobjects.com/key"
		if pathStyle {
			want = "us-ord-1.linodeobjects.com/logs/key"
		}
		if asked != want {
			t.Errorf("path style %v: asked %s, want %s", pathStyle, asked, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// For a file:// store, neither the network nor the environment is used.
func TestFileStoreNeedsNoKey(t *testing.T) {
	env, _, stderr := testEnv("-store", "file:///nowhere")
	env.Getenv = func(name string) string {
		t.Errorf("%s was looked up", name)
		return ""
	}
	if c, code := parse(env); c == nil || stderr.Len() > 0 {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}
