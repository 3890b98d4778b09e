# One image for coordinator and clinics. Its build needs the npm registry; where it reaches tfjs-node's download too, the image has the native engine, else WASM alone.
FROM node:22.23.3-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
RUN npm rebuild @tensorflow/tfjs-node || echo "The native engine can't be had here: this image trains with WASM."
COPY . .
RUN npm run build
# A peer may keep what only builds (@prisma/client keeps all of prisma); and maps are half of what is left.
RUN npm prune --omit=dev --legacy-peer-deps --libc=glibc --ignore-scripts --no-audit --no-fund && find node_modules -name '*.map' -delete

FROM node:22.23.3-bookworm-slim
ENV NODE_ENV=production LENTIGO_DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/prisma prisma
COPY --from=build /app/models models
COPY --from=build /app/bin bin
COPY --from=build /app/deployment deployment
COPY --from=build /app/dist dist
# A new volume takes its owner from the folder that it is mounted on.
RUN ln -s /app/bin/lentigo.js /usr/local/bin/lentigo && ln -s /app/deployment/clinic.sh /usr/local/bin/lentigo-clinic && install -d -o node -g node -m 700 /data /clinic
USER node
CMD ["lentigo", "--help"]
