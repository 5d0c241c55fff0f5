package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog/internal/hint"
)

// BucketSettings are how a bucket is set up, as its server says. The zero
// BucketSettings know nothing. See [Store.BucketSettings].
type BucketSettings struct {
	Server string // how the server calls its software; "" if it does not

	Versioning Setting // Text is "Enabled" or "Suspended"
	Encryption Setting // of what is stored without saying how; Text is the algorithm
	Logging    Setting // of who has read and written what; Text is the place of the logs
	Lifecycle  Setting
	Rules      []LifecycleRule // of Lifecycle, in the server's order
}

// Setting is how one thing is set. Err says why State is SettingUnknown, and is nil
// otherwise.
type Setting struct {
	State SettingState
	Text  string // in the server's words; "" if it is not on
	Err   error
}

// SettingState says whether something is on. The zero SettingState is unknown.
type SettingState int8

const (
	SettingUnknown     SettingState = iota
	SettingOn                       // Text says more
	SettingOff                      // the server knows of it, and it was not turned on
	SettingUnsupported              // the server does not know what was asked
)

// String returns "unknown", "on", "off" or "not supported".
func (s SettingState) String() string {
	switch s {
	case SettingOn:
		return "on"
	case SettingOff:
		return "off"
	case SettingUnsupported:
		return "not supported"
	}
	return "unknown"
}

// LifecycleRule is what a rule of a bucket does, as far as a Writer is concerned. Days
// are 0 for what a rule does not do.
type LifecycleRule struct {
	ID      string
	Enabled bool
	Prefix  string // of the keys it is for
	Partial bool   // it is not for all of these: it also asks for tags or sizes

	AbortAfter      int  // days after which unfinished multipart uploads are aborted
	ExpireAfter     int  // days after which objects expire; -1: on a date
	NoncurrentAfter int  // days after which old versions expire
	Moves           bool // objects go to another storage class
}

// BucketSettings asks the server how the bucket is set up. It makes four requests that
// read settings, and changes nothing. Each takes a permission that no Writer needs:
// s3:GetBucketVersioning, s3:GetEncryptionConfiguration, s3:GetBucketLogging and
// s3:GetLifecycleConfiguration. What the key may not ask is unknown.
func (s *Store) BucketSettings(ctx context.Context) BucketSettings {
	var found BucketSettings
	ask := func(root, permission string, send func(func(*s3.Options)) (Setting, error)) Setting {
		a := answerRoot{want: root}
		setting, err := send(a.watch(s))
		found.Server = cmp.Or(found.Server, a.server)
		return s.setting(ctx, setting, permission, a, err)
	}
	found.Versioning = ask("VersioningConfiguration", "s3:GetBucketVersioning", func(o func(*s3.Options)) (Setting, error) {
		out, err := s.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.bucket}, o)
		if err != nil || out.Status == "" {
			return Setting{}, err
		}
		return Setting{State: SettingOn, Text: string(out.Status)}, nil
	})
	found.Encryption = ask("ServerSideEncryptionConfiguration", "s3:GetEncryptionConfiguration", func(o func(*s3.Options)) (Setting, error) {
		out, err := s.client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &s.bucket}, o)
		if err != nil {
			return Setting{}, err
		}
		return encryptionOf(out.ServerSideEncryptionConfiguration), nil
	})
	found.Logging = ask("BucketLoggingStatus", "s3:GetBucketLogging", func(o func(*s3.Options)) (Setting, error) {
		out, err := s.client.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &s.bucket}, o)
		if err != nil || out.LoggingEnabled == nil {
			return Setting{}, err
		}
		to := "s3://" + aws.ToString(out.LoggingEnabled.TargetBucket) + "/" + aws.ToString(out.LoggingEnabled.TargetPrefix)
		return Setting{State: SettingOn, Text: to}, nil
	})
	found.Lifecycle = ask("LifecycleConfiguration", "s3:GetLifecycleConfiguration", func(o func(*s3.Options)) (Setting, error) {
		out, err := s.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.bucket}, o)
		if err != nil || len(out.Rules) == 0 {
			return Setting{}, err
		}
		for _, r := range out.Rules {
			found.Rules = append(found.Rules, lifecycleRule(r))
		}
		return Setting{State: SettingOn}, nil
	})
	return found
}

// setting returns what an answer means.
func (s *Store) setting(ctx context.Context, answered Setting, permission string, a answerRoot, err error) Setting {
	switch code := codeOf(err); {
	case err == nil && a.is == a.want:
		answered.State = cmp.Or(answered.State, SettingOff)
		return answered
	case err == nil: // Ceph lists the bucket if it does not know what it is asked for
		return Setting{State: SettingUnsupported}
	case code == "NoSuchLifecycleConfiguration", code == "ServerSideEncryptionConfigurationNotFoundError":
		return Setting{State: SettingOff}
	case isNotTaken(err):
		return Setting{State: SettingUnsupported}
	case code == "AccessDenied" && statusOf(err) == http.StatusForbidden:
		return Setting{Err: hint.Add(errors.New("the key may not ask"), "use a key that has %s", permission)}
	}
	err = s.explain(ctx, "look at", s.bucket, err)
	return Setting{Err: fmt.Errorf("the server does not say: %w", err)}
}

func encryptionOf(c *types.ServerSideEncryptionConfiguration) Setting {
	if c == nil {
		return Setting{}
	}
	for _, r := range c.Rules {
		if by := r.ApplyServerSideEncryptionByDefault; by != nil && by.SSEAlgorithm != "" {
			return Setting{State: SettingOn, Text: string(by.SSEAlgorithm)}
		}
	}
	return Setting{}
}

func lifecycleRule(r types.LifecycleRule) LifecycleRule {
	rule := LifecycleRule{
		ID: aws.ToString(r.ID), Enabled: r.Status == types.ExpirationStatusEnabled,
		Moves: len(r.Transitions)+len(r.NoncurrentVersionTransitions) > 0,
	}
	//lint:ignore SA1019 Ceph has an empty prefix in the old form
	rule.Prefix = aws.ToString(r.Prefix)
	if f := r.Filter; f != nil {
		rule.Prefix = cmp.Or(aws.ToString(f.Prefix), rule.Prefix)
		rule.Partial = f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil
		if and := f.And; and != nil {
			rule.Prefix = cmp.Or(aws.ToString(and.Prefix), rule.Prefix)
			rule.Partial = rule.Partial || len(and.Tags) > 0 || and.ObjectSizeGreaterThan != nil || and.ObjectSizeLessThan != nil
		}
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil {
		rule.AbortAfter = int(aws.ToInt32(a.DaysAfterInitiation))
	}
	if e := r.Expiration; e != nil {
		rule.ExpireAfter = int(aws.ToInt32(e.Days))
		if e.Date != nil {
			rule.ExpireAfter = -1
		}
	}
	if n := r.NoncurrentVersionExpiration; n != nil {
		rule.NoncurrentAfter = int(aws.ToInt32(n.NoncurrentDays))
	}
	return rule
}
