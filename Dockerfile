# The studio as a static site: docker build -t rfsr-studio . && docker run -p 8080:8080 rfsr-studio
FROM node:22-slim AS build
WORKDIR /studio
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npx vite build && npx tsx scripts/nginx.ts > /nginx.conf

FROM nginxinc/nginx-unprivileged:stable-alpine
COPY --from=build /nginx.conf /etc/nginx/conf.d/default.conf
COPY --from=build /studio/dist /usr/share/nginx/html
