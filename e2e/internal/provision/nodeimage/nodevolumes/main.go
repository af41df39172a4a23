//go:build linux

// Command nodevolumes provides the volumes of the cluster's default StorageClass. It runs on each node: once the pod of a claim has been placed on the node it
// makes a folder there and a PersistentVolume of that, and it removes both when the claim is gone. No helper pod is started for either.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	storagev1client "k8s.io/client-go/kubernetes/typed/storage/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
)

// workers is how many claims and volumes are worked on at a time: one whose class asks for a delay keeps no other waiting.
const workers = 8

func main() {
	folder := flag.String("folder", "/var/local-path-provisioner", "folder of the node below which each volume has a folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("NODE_NAME"), *folder); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "nodevolumes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, node, folder string) error {
	if node == "" {
		return errors.New("NODE_NAME is not set: it names the node this runs on")
	}
	settings, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	// These clients alone, for one that speaks every API takes minutes to compile.
	core, err := corev1client.NewForConfig(settings)
	if err != nil {
		return err
	}
	storage, err := storagev1client.NewForConfig(settings)
	if err != nil {
		return err
	}
	events := record.NewBroadcaster()
	events.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: core.Events("")})
	defer events.Shutdown()
	p := &provider{
		node: node, folder: folder, core: core, classes: storage.StorageClasses(),
		events: events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: provisioner, Host: node}),
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[object]())
	context.AfterFunc(ctx, queue.ShutDown)
	if p.claims, err = follow(ctx, core.RESTClient(), claims, &corev1.PersistentVolumeClaim{}, queue); err != nil {
		return err
	}
	if p.volumes, err = follow(ctx, core.RESTClient(), volumes, &corev1.PersistentVolume{}, queue); err != nil {
		return err
	}
	for range workers {
		go work(ctx, p, queue)
	}
	<-ctx.Done()
	return nil
}

// follow watches the objects of a resource, queues each that is added or changed, and returns them as they are.
func follow(ctx context.Context, client cache.Getter, resource string, kind runtime.Object, queue workqueue.TypedInterface[object]) (cache.Store, error) {
	informer := cache.NewSharedInformer(cache.NewListWatchFromClient(client, resource, "", fields.Everything()), kind, 0)
	add := func(item any) {
		if key, err := cache.MetaNamespaceKeyFunc(item); err == nil {
			queue.Add(object{resource, key})
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, item any) { add(item) }}); err != nil {
		return nil, err
	}
	go informer.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, ctx.Err()
	}
	return informer.GetStore(), nil
}

// work takes objects from the queue until that is shut down. One that failed is tried again, later each time.
func work(ctx context.Context, p *provider, queue workqueue.TypedRateLimitingInterface[object]) {
	for {
		o, ended := queue.Get()
		if ended {
			return
		}
		if err := p.sync(ctx, o); err != nil {
			fmt.Fprintf(os.Stderr, "nodevolumes: %s %s: %v\n", o.resource, o.key, err)
			queue.AddRateLimited(o)
		} else {
			queue.Forget(o)
		}
		queue.Done(o)
	}
}
