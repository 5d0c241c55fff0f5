package cli

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/storeurl"
)

// StoreHelp is what a program's help says about the store, apart from the flags.
const StoreHelp = `The key for an s3: store comes only from the environment: AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if there is one.
`

// StoreFlags are the flags that say where the daily objects live.
type StoreFlags struct {
	BucketOnly bool // the program takes no file:///DIR, and so offers none

	url, endpoint, region string
	pathStyle             bool
}

// Define defines the flags in f.
func (s *StoreFlags) Define(f *flag.FlagSet) {
	usage := "`URL` of the store: s3://BUCKET[/FOLDER] or file:///DIR (required)"
	if s.BucketOnly {
		usage = "`URL` of the bucket: s3://BUCKET[/FOLDER] (required)"
	}
	f.StringVar(&s.url, "store", "", usage)
	f.StringVar(&s.endpoint, "endpoint", "", "`URL` of the S3 server, as https://us-ord-1.linodeobjects.com (required for s3:)")
	f.StringVar(&s.region, "region", "", "`R`egion (default $AWS_REGION, or R in R.linodeobjects.com, or us-east-1)")
	f.BoolVar(&s.pathStyle, "path-style", true, "put the bucket into the path; =false: into the host (default true)")
}

// Open returns the store that the flags name, and the key prefix that they ask for,
// or "". It touches neither disk nor network. An error is a usage error, and contains
// no secret.
func (s *StoreFlags) Open(env Env) (store rotatelog.Store, prefix string, err error) {
	forms, or := "-store s3://BUCKET or -store file:///DIR", "s3://BUCKET or file:///DIR"
	if s.BucketOnly {
		forms, or = "-store s3://BUCKET", "s3://BUCKET"
	}
	if s.url == "" {
		return nil, "", fmt.Errorf("-store is missing: say where to keep the daily objects, as in %s", forms)
	}
	if strings.Contains(s.url, "@") && !strings.HasPrefix(s.url, "file:///") { // not quoted: it may hold a secret
		return nil, "", errors.New("-store: the URL must not contain a key; in a folder, write @ as %40")
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, "", fmt.Errorf("-store: %w", withoutURL(err))
	}
	if u.Scheme != "s3" && (s.endpoint != "" || s.region != "" || !s.pathStyle) {
		return nil, "", fmt.Errorf("-store %s: -endpoint, -region and -path-style are for s3://BUCKET only", u)
	}
	switch u.Scheme {
	case "s3":
		return s.openS3(env, u)
	case "file":
		if s.BucketOnly {
			return nil, "", errors.New("-store: only the connection to s3://BUCKET can be tested")
		}
		var place *storeurl.Place
		if place, err = storeurl.Parse(u.String(), storeurl.Options{}); err != nil {
			return nil, "", fmt.Errorf("-store %w", err)
		}
		store, err = place.Lazy(nil)
	case "":
		err = fmt.Errorf("-store %s: it must be a URL, as in %s", u, forms)
	default:
		err = fmt.Errorf("-store %s: unknown scheme %q: use %s", u, u.Scheme, or)
	}
	return store, "", err
}

// withoutURL returns the error of url.Parse without the URL, which may hold a
// secret.
func withoutURL(err error) error {
	if escape, ok := errors.AsType[url.EscapeError](err); ok {
		return escape
	}
	return errors.New("it is not a URL")
}
