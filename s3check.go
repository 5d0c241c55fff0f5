package rotatelog

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What can be told to be wrong before any request. All of it is permanent, since
// none of it changes while a program runs.

// checkS3 returns the endpoint of a client, for messages, and what is wrong with
// it, with the bucket or with the options.
func checkS3(client *s3.Client, bucket string, opts S3Options) (endpoint string, err error) {
	if client == nil {
		return "", unusable("there is no S3 client; make one with NewS3Client")
	}
	o := client.Options()
	if err := checkBucket(bucket); err != nil {
		return "", err
	}
	if o.Region == "" {
		return "", unusable("the S3 client has no region; name that of the bucket, such as us-ord-1")
	}
	if o.Credentials == nil {
		return "", unusable("the S3 client has no credentials; give it a key, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for example")
	}
	endpoint, plain, err := checkEndpoint(o, bucket)
	if err != nil {
		return "", err
	}
	return endpoint, checkEncryption(opts, plain)
}

func unusable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrPermanent, fmt.Errorf(format, args...))
}

func checkBucket(bucket string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	switch {
	case strings.HasPrefix(bucket, "arn:"):
		return nil // of an access point
	case strings.Contains(bucket, "/"):
		return unusable("%q is not the name of a bucket: a folder in it goes into Config.Prefix", bucket)
	case len(bucket) < 3 || len(bucket) > 63 || !onlyOf(bucket, letters):
		return unusable("%q is not the name of a bucket: that has 3 to 63 letters, digits, '.' and '-'", bucket)
	}
	return nil
}

func onlyOf(s, letters string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(letters, r) }) < 0
}

// checkEndpoint also reports whether what is sent there can be read on the way.
func checkEndpoint(o s3.Options, bucket string) (endpoint string, plain bool, err error) {
	if o.BaseEndpoint == nil {
		return "Amazon S3 in " + o.Region, o.EndpointOptions.DisableHTTPS, nil
	}
	const example = "it is an address such as https://us-ord-1.linodeobjects.com"
	u, err := url.Parse(*o.BaseEndpoint)
	switch {
	case *o.BaseEndpoint == "":
		return "", false, unusable("the S3 client has no endpoint; %s", example)
	case err != nil || u.User != nil: // not to be repeated: it may hold a secret
		return "", false, unusable("the endpoint of the S3 client is none; %s, without a user", example)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", false, unusable("the endpoint %q has no https:// and host; %s", *o.BaseEndpoint, example)
	case u.RawQuery != "" || u.Fragment != "":
		return "", false, unusable("the endpoint of the S3 client goes on after its path; %s", example)
	}
	if rest, ok := strings.CutPrefix(u.Host, bucket+"."); ok && o.UsePathStyle && strings.HasSuffix(rest, ".linodeobjects.com") {
		return "", false, unusable("the endpoint %s names the bucket; leave that out: %s://%s", u.Host, u.Scheme, rest)
	}
	return u.Scheme + "://" + u.Host, u.Scheme == "http" && !loopback(u.Hostname()), nil
}

// problem returns what keeps every call from working, nil for nothing: Open tells
// it before a fetch waits for a store that can never take it.
func (s *S3Store) problem() error { return s.unusable }

// warning returns what a Writer's log should say of the store, "" for nothing.
func (s *S3Store) warning() string {
	if s.unusable != nil {
		return ""
	}
	if _, plain, _ := checkEndpoint(s.client.Options(), s.bucket); plain {
		return "the endpoint " + s.endpoint + " is plain http: whoever is in between can read and change what is stored; use https"
	}
	return ""
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func checkEncryption(opts S3Options, plain bool) error {
	switch {
	case opts.EncryptionKey == nil:
		return nil
	case opts.Encrypt:
		return unusable("S3Options asks for both Encrypt and an EncryptionKey; set one of them")
	case len(opts.EncryptionKey) != 32:
		return unusable("the EncryptionKey has %d bytes, and must have 32", len(opts.EncryptionKey))
	case plain:
		return unusable("an EncryptionKey must not be sent over plain http; use an https endpoint")
	}
	return nil
}

// checkS3Key refuses what S3 does not take for a key, and what a client or a
// proxy may take for a path to be shortened.
func checkS3Key(key string) error {
	bad := key == "" || len(key) > maxKey || !utf8.ValidString(key)
	for element := range strings.SplitSeq(key, "/") {
		bad = bad || element == "." || element == ".."
	}
	if bad {
		return unusable("the key is not one: it has 1 to %d bytes of UTF-8, and no . or .. between slashes", maxKey)
	}
	return nil
}

// checkMeta refuses what would not come back as it was sent.
func checkMeta(meta map[string]string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	size := 0
	for name, value := range meta {
		size += len(name) + len(value)
		if name == "" || !onlyOf(name, letters) {
			return unusable("the metadata name %q does not consist of a-z, 0-9 and '-'", name)
		}
		if strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || strings.TrimSpace(value) != value {
			return unusable("the metadata %s is not printable ASCII, without spaces around it", name)
		}
	}
	if size >= maxMeta {
		return unusable("the metadata has %d bytes, and must have less than %d", size, maxMeta)
	}
	return nil
}
