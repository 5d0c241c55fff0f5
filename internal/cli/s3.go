package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/s3store"
)

// openS3 returns the Store of s3://BUCKET/FOLDER, and the prefix FOLDER/.
func (s *StoreFlags) openS3(env Env, u *url.URL) (rotatelog.Store, string, error) {
	if u.Host == "" {
		return nil, "", fmt.Errorf("-store %s: it names no bucket: s3://BUCKET[/FOLDER]", u)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, "", fmt.Errorf("-store %s: in a folder, write ? as %%3F and # as %%23", u)
	}
	client, err := s.client(env)
	if err != nil {
		return nil, "", fmt.Errorf("-store %s: %w", u, err)
	}
	store, err := s3store.New(client, u.Host, s3store.Options{})
	if err != nil {
		return nil, "", fmt.Errorf("-store %s: %s", u, strings.TrimPrefix(err.Error(), "s3store: "+rotatelog.ErrPermanent.Error()+": "))
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return store, prefix, nil
}

// client returns the client that the flags and the environment describe.
func (s *StoreFlags) client(env Env) (*s3.Client, error) {
	if s.endpoint == "" {
		return nil, errors.New("-endpoint is missing: name the server, as in -endpoint https://us-ord-1.linodeobjects.com" +
			" (there is no default, not even Amazon's)")
	}
	if strings.Contains(s.endpoint, "@") {
		return nil, errors.New("-endpoint: the URL must not contain a key")
	}
	creds, err := credentialsOf(env)
	if err != nil {
		return nil, err
	}
	client := s3store.NewClient(s.endpoint, s.regionIn(env), creds)
	if s.pathStyle {
		return client, nil
	}
	return s3.New(client.Options(), func(o *s3.Options) { o.UsePathStyle = false }), nil
}

// credentialsOf takes the key from the environment.
func credentialsOf(env Env) (aws.CredentialsProvider, error) {
	const id, secret, token = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
	var missing []string
	for _, name := range []string{id, secret, token} {
		value := env.getenv(name)
		if strings.TrimSpace(value) != value {
			return nil, fmt.Errorf("the environment variable %s has white space around it", name)
		}
		if value == "" && name != token {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the environment does not set %s: set the bucket's key there", strings.Join(missing, " and "))
	}
	return credentials.NewStaticCredentialsProvider(env.getenv(id), env.getenv(secret), env.getenv(token)), nil
}

// regionIn returns the region to sign for.
func (s *StoreFlags) regionIn(env Env) string {
	if s.region != "" {
		return s.region
	}
	if region := env.getenv("AWS_REGION"); region != "" {
		return region
	}
	if u, err := url.Parse(s.endpoint); err == nil {
		region, ok := strings.CutSuffix(strings.ToLower(u.Hostname()), ".linodeobjects.com")
		if ok && !strings.Contains(region, ".") {
			return region
		}
	}
	return "us-east-1"
}
