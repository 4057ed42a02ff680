/**
 * The map: OpenLayers for pan, zoom and the land; one canvas of our own for everything about tracks. A new frame repaints that
 * canvas alone, so the land costs nothing once a second.
 */

import GeoJSON from 'ol/format/GeoJSON';
import { defaults as defaultInteractions } from 'ol/interaction/defaults';
import BaseLayer from 'ol/layer/Layer';
import VectorLayer from 'ol/layer/Vector';
import type { FrameState } from 'ol/Map';
import OlMap from 'ol/Map';
import VectorSource from 'ol/source/Vector';
import Fill from 'ol/style/Fill';
import Stroke from 'ol/style/Stroke';
import Style from 'ol/style/Style';
import View from 'ol/View';
import { feature } from 'topojson-client';
import type { Topology } from 'topojson-specification';
import landUrl from 'world-atlas/land-50m.json?url';
import { latOfMercatorY, mercatorX, mercatorY } from '../model/frame';
import { graticule } from './graticule';
import { type Frame, Painter, type Scene } from './painter';

const REACH_PX = 16;

export class MapView {
  readonly painter = new Painter();
  private readonly canvas = document.createElement('canvas');
  private readonly map: OlMap;
  private readonly view: View;
  private frame: Frame | null = null;
  private fitted = false;
  /** Repaints of the track canvas and how long the last took; read by tests and the benchmark. */
  paints = 0;
  lastPaint_ms = 0;
  landLoaded = false;

  constructor(
    target: HTMLElement,
    private readonly scene: () => Scene,
    onPick: (row: number) => void,
  ) {
    this.canvas.className = 'tracks';
    this.canvas.style.position = 'absolute';
    this.view = new View({
      center: [0, mercatorY(30)],
      zoom: 2.5,
      minZoom: 1,
      maxZoom: 16,
      enableRotation: false,
    });
    this.map = new OlMap({
      target,
      controls: [],
      interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, keyboard: false }),
      layers: [
        land(() => (this.landLoaded = true)),
        new BaseLayer({ render: (state) => this.render(state) }),
      ],
      view: this.view,
    });
    this.map.on('click', (event) => {
      const [x = 0, y = 0] = event.pixel;
      onPick(this.painter.nearest(x, y, REACH_PX));
    });
  }

  /** Paints the current scene over the map as it stands. */
  repaint(): void {
    const context = this.canvas.getContext('2d');
    const frame = this.frame;
    if (context === null || frame === null) return;
    const begun = performance.now();
    this.painter.paint(context, this.scene(), frame);
    // Under what is painted already: the tracks come first because they replace whatever the canvas held.
    context.globalCompositeOperation = 'destination-over';
    graticule(context, frame);
    context.globalCompositeOperation = 'source-over';
    this.paints++;
    this.lastPaint_ms = performance.now() - begun;
  }

  /** Shows all tracks, the first time there are any. */
  fitOnce(): void {
    const { picture } = this.scene();
    const size = this.map.getSize();
    if (this.fitted || picture.count === 0 || size === undefined) return;
    this.fitted = true;
    const xs = picture.x.subarray(0, picture.count).slice().sort();
    const ys = picture.y.subarray(0, picture.count).slice().sort();
    // Without the outermost hundredth: one stray position must not make the rest a dot.
    const cut = Math.floor(picture.count / 100);
    const at = (values: Float64Array, i: number) => values[i] ?? 0;
    const last = picture.count - 1 - cut;
    const extent = [at(xs, cut), at(ys, cut), at(xs, last), at(ys, last)];
    this.view.fit(extent, { size, padding: [70, 70, 70, 70], maxZoom: 10 });
  }

  /** Centres on a place without changing the scale, unless that shows half a continent. */
  centre(lon: number, lat: number): void {
    this.view.setCenter([mercatorX(lon), mercatorY(lat)]);
    if ((this.view.getZoom() ?? 0) < 6) this.view.setZoom(8);
  }

  /** Shows both places with some room around them. */
  showBoth(a: [number, number], b: [number, number]): void {
    const xs = [mercatorX(a[0]), mercatorX(b[0])];
    const ys = [mercatorY(a[1]), mercatorY(b[1])];
    const extent = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    this.view.fit(extent, { padding: [140, 140, 140, 140], maxZoom: 10 });
  }

  panBy(dx: number, dy: number): void {
    const centre = this.view.getCenter();
    const resolution = this.view.getResolution();
    if (centre && resolution) {
      this.view.setCenter([(centre[0] ?? 0) + dx * resolution, (centre[1] ?? 0) - dy * resolution]);
    }
  }

  zoomBy(levels: number): void {
    this.view.setZoom((this.view.getZoom() ?? 2) + levels);
  }

  /** Renders the whole map now, land and tracks; for the benchmark. */
  renderSync(): void {
    this.map.renderSync();
  }

  /** Middle of the map, and how wide it is: for the scale in the mode bar. */
  centreLat(): number {
    return latOfMercatorY(this.view.getCenter()?.[1] ?? 0);
  }

  private render(state: FrameState | null): HTMLElement {
    if (state === null) return this.canvas;
    const [width = 0, height = 0] = state.size;
    const ratio = state.pixelRatio;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const { center, resolution } = state.viewState;
    this.frame = { width, height, ratio, resolution, centreX: center[0] ?? 0, centreY: center[1] ?? 0 };
    this.repaint();
    return this.canvas;
  }
}

function land(loaded: () => void): VectorLayer {
  const source = new VectorSource({ wrapX: true });
  fetch(landUrl)
    .then((response) => response.json())
    .then((topology: Topology) => {
      const shapes = topology.objects.land;
      if (shapes === undefined) return;
      const geojson = feature(topology, shapes);
      source.addFeatures(new GeoJSON({ featureProjection: 'EPSG:3857' }).readFeatures(geojson));
      loaded();
    })
    // Without land the tracks are still where they are; the graticule remains.
    .catch(() => undefined);
  return new VectorLayer({
    source,
    // The land's detail is of 1:50 million; waiting for idle time to redraw it while panning would leave holes.
    updateWhileAnimating: false,
    updateWhileInteracting: false,
    style: new Style({
      fill: new Fill({ color: '#1b2630' }),
      stroke: new Stroke({ color: '#4d6173', width: 1 }),
    }),
  });
}
